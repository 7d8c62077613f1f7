"""Writes an .evtx as XML, as python-evtx's own evtx_dump does: evtx_to_xml.py LOG OUT."""

import sys

import Evtx.Evtx
import Evtx.Views

with Evtx.Evtx.Evtx(sys.argv[1]) as log, open(sys.argv[2], "w", encoding="utf-8") as out:
    print(Evtx.Views.XML_HEADER, file=out)
    print("<Events>", file=out)
    for record in log.records():
        print(record.xml(), file=out)
    print("</Events>", file=out)
