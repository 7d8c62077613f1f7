"use strict";
// Findings: shown by severity, and the advice that was ticked off is counted and, where the browser keeps anything,
// kept. Without this script they are all there.
(() => {
  const section = document.getElementById("findings");
  const findings = Array.from(section.querySelectorAll("article")), groups = section.querySelectorAll(".group");
  const counts = new Map();
  for (const { dataset } of findings) counts.set(dataset.severity, (counts.get(dataset.severity) ?? 0) + 1);

  function tally() {
    const boxes = section.querySelectorAll(".advice input");
    const done = section.querySelectorAll(".advice input:checked");
    return `${done.length} of ${boxes.length} steps ticked off`;
  }

  if (findings.length) {
    const bar = document.createElement("fieldset");
    bar.className = "filter";
    const legend = document.createElement("legend");
    legend.textContent = "Show findings that are";
    const told = document.createElement("output");
    bar.append(legend);
    for (const severity of ["critical", "high", "medium", "low", "info"]) {
      const count = counts.get(severity);
      if (!count) continue;
      const label = document.createElement("label");
      const box = document.createElement("input");
      box.type = "checkbox";
      box.checked = true;
      box.value = severity;
      box.addEventListener("change", () => {
        for (const finding of findings) if (finding.dataset.severity === severity) finding.hidden = !box.checked;
        for (const group of groups) group.hidden = !group.querySelector("article:not([hidden])");
      });
      label.append(box, ` ${severity} (${count})`);
      bar.append(label, " ");
    }
    bar.append(told);
    section.querySelector("h2").after(bar);

    for (const finding of section.querySelectorAll("[data-id]")) {
      finding.querySelectorAll(".advice input").forEach((box, step) => {
        const name = `plainsight ${finding.dataset.id === "shared" ? `shared ${findings[0].dataset.id}` : finding.dataset.id} ${step}`;
        try { box.checked = localStorage.getItem(name) === "done"; } catch { /* nothing is kept here */ }
        box.addEventListener("change", () => {
          told.textContent = tally();
          try {
            if (box.checked) localStorage.setItem(name, "done");
            else localStorage.removeItem(name);
          } catch { /* nothing is kept here */ }
        });
      });
    }
    told.textContent = tally();
  }

  // A filter goes to the clipboard; where the browser keeps that shut, it is selected.
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.(".copy");
    if (!button) return;
    const code = button.previousElementSibling, range = document.createRange();
    range.selectNodeContents(code);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    const say = (text) => { button.textContent = text; setTimeout(() => { button.textContent = "Copy"; }, 1500); };
    Promise.resolve(navigator.clipboard?.writeText(code.textContent) ?? Promise.reject(new Error("none")))
      .then(() => say("Copied"), () => say(document.execCommand("copy") ? "Copied" : "Selected"));
  });
})();
