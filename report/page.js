// Puts pprof's page for the chosen scenario and root into the frame: from parts, because the pages have most in common.
(() => {
  const data = JSON.parse(document.getElementById("flame-data").textContent);
  const frame = document.getElementById("flame");
  const chosen = (id) => document.getElementById(id).value;
  const show = () => {
    const difference = chosen("flame-what") === "difference";
    const of = (p) => p.scenario === chosen("flame-scenario") && p.root === chosen("flame-root");
    const page = data.pages.find((p) => of(p) && (p.base !== "") === difference);
    const note = document.getElementById("flame-note");
    note.textContent = page ? "" : "There is no difference to show of this scenario: it is the one that others are compared with.";
    frame.hidden = !page;
    if (page) frame.srcdoc = page.parts.map((i) => data.parts[i]).join("");
  };
  for (const id of ["flame-scenario", "flame-what", "flame-root"]) document.getElementById(id).addEventListener("change", show);
  show();
})();
