//! Where the messages of events hold their values, for exports that show the message alone.
//!
//! Values are found by the place of their line, never by its label, because labels are in the
//! language of the system. Only sentences of the Service Control Manager are known by their
//! English words.

/// How a message holds an event's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageLayout {
    /// It holds none, and the event has none.
    NoValues,
    /// The message is the one value.
    Whole,
    /// One value a line, behind its label; the places of the values by line, 0 for fixed words.
    Lines(&'static [u8]),
    /// One value under each label that has a line of its own: this many, in order.
    Sections(&'static [u8]),
    /// Values between these words.
    Sentence(&'static [&'static str]),
}

/// The layouts that the messages of an event may have; empty where none is known.
pub fn message_layouts(id: u16) -> impl Iterator<Item = MessageLayout> {
    LAYOUTS.iter().filter(move |row| row.0.contains(&id)).map(|row| row.1)
}

use MessageLayout::{Lines, NoValues, Sections, Sentence, Whole};

/// Sources: of 4646 and up the messages of adtschema.dll in Windows Vista and 10 (`wevtutil
/// get-publisher Microsoft-Windows-Security-Auditing /ge /gm`); of 512 to 615 msaudite.dll of
/// Windows 2000 to Server 2003; of 7023 and up netevent.dll and services.exe (libyal winevt-kb).
/// 5452 with ten lines is inferred from the fields of Windows 7. The message of 4982 numbers its
/// values wrongly and is left out.
#[rustfmt::skip]
const LAYOUTS: &[(&[u16], MessageLayout)] = &[
    (&[512, 513, 1100, 4608, 4609, 5024, 5025, 5453, 5463, 5464, 5465, 5466, 5467, 5468, 5478, 5479, 5480, 5485, 6005, 6006, 6008], NoValues),
    (&[541],       Sections(&[4])),
    (&[542],       Sections(&[3])),
    (&[543],       Sections(&[1])),
    (&[544, 545],  Sections(&[2])),
    (&[546],       Sections(&[5])),
    (&[547],       Sections(&[4, 6])),
    (&[550, 615, 4646, 4711], Whole),
    (&[1102],      Lines(&[1, 2, 3, 4])),
    (&[4650],      Lines(&[1, 3, 4, 2, 5, 6, 12, 13, 17, 9, 10, 11, 7, 8, 14, 15, 16])),
    (&[4651],      Lines(&[1, 9, 10, 2, 3, 4, 5, 11, 12, 6, 7, 8, 15, 16, 17, 18, 19, 23, 13, 14, 20, 21, 22])),
    (&[4652],      Lines(&[1, 9, 10, 2, 3, 4, 5, 11, 12, 6, 7, 8, 13, 16, 18, 19, 20, 14, 15, 17, 21, 22])),
    (&[4653],      Lines(&[1, 3, 4, 2, 5, 6, 7, 10, 12, 13, 14, 8, 9, 11, 15, 16])),
    (&[4654],      Lines(&[1, 2, 3, 4, 5, 6, 7, 8, 10, 9, 11, 14, 16, 18, 19, 15, 17, 12, 13])),
    (&[4654],      Lines(&[1, 2, 3, 4, 5, 6, 7, 8, 10, 9, 11, 20, 21, 14, 16, 18, 19, 15, 17, 12, 13])),
    (&[4655],      Lines(&[1, 2, 3, 4])),
    (&[4719],      Lines(&[1, 2, 3, 4, 5, 6, 7, 8])),
    (&[4960, 4961, 4962, 4963, 4965], Lines(&[1, 2])),
    (&[4976, 4977, 4978], Lines(&[1, 2, 3])),
    (&[4979],      Lines(&[1, 3, 4, 2, 5, 6, 8, 9, 10, 11, 12, 16, 0, 7, 13, 14, 15, 17, 18, 19, 20, 21])),
    (&[4980],      Lines(&[1, 3, 4, 2, 5, 6, 8, 9, 10, 11, 12, 16, 0, 7, 13, 14, 15, 17, 18, 19, 20, 21, 22, 23, 24, 0, 25, 26])),
    (&[4981],      Lines(&[1, 9, 10, 2, 3, 4, 5, 11, 12, 6, 7, 8, 13, 14, 15, 16, 17, 21, 0, 0, 18, 19, 20, 22, 23, 24, 25, 26])),
    (&[4983],      Lines(&[1, 9, 10, 2, 3, 4, 5, 11, 12, 6, 7, 8, 0, 0, 16, 17, 18, 13, 14, 15])),
    (&[4984],      Lines(&[1, 3, 4, 2, 5, 6, 0, 9, 11, 12, 13, 7, 8, 10])),
    (&[5040, 5041, 5042, 5043, 5044, 5045, 5046, 5047, 5048, 5049], Lines(&[1, 2, 3])),
    (&[5449],      Lines(&[2, 3, 1, 4, 5, 6, 7, 8, 9])),
    (&[5451],      Lines(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24])),
    (&[5451],      Lines(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26])),
    (&[5452],      Lines(&[1, 2, 3, 4, 5, 6, 7, 8])),
    (&[5452],      Lines(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10])),
    (&[5452],      Lines(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])),
    (&[5456, 5458, 5460, 5471, 5473, 5483, 5484], Lines(&[1])),
    (&[5457, 5459, 5461, 5462, 5472, 5474, 5477], Lines(&[1, 2])),
    (&[6011],      Sentence(&["The NetBIOS name and DNS host name of this machine have been changed from ", " to ", "."])),
    (&[7023],      Sentence(&["The ", " service terminated with the following error:", ""])),
    (&[7024],      Sentence(&["The ", " service terminated with the following service-specific error:", ""])),
    (&[7024],      Sentence(&["The ", " service terminated with service-specific error ", ""])),
    (&[7031, 7034], Sentence(&["The ", " service terminated unexpectedly.  It has done this ", " time(s)."])),
    (&[7035],      Sentence(&["The ", " service was successfully sent a ", " control."])),
    (&[7036],      Sentence(&["The ", " service entered the ", " state."])),
    (&[7040],      Sentence(&["The start type of the ", " service was changed from ", " to ", "."])),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{events_numbered, field_names};

    #[test]
    fn every_line_has_a_name_and_no_place_stands_twice() {
        for (ids, layout) in LAYOUTS {
            for id in *ids {
                assert!(!events_numbered(*id).is_empty(), "{id}");
                let Lines(places) = layout else { continue };
                let mut reported: Vec<u8> =
                    places.iter().copied().filter(|place| *place > 0).collect();
                reported.sort_unstable();
                assert!(
                    reported.iter().copied().eq((1..).take(reported.len())),
                    "{id}: {reported:?}"
                );
                assert!(field_names(*id, reported.len()).is_some(), "{id}: {}", reported.len());
            }
        }
    }
}
