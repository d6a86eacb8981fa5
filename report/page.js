// Shows pprof's page for the chosen scenario and root in the frame. The pages share most of their parts and are put
// together from them.
(() => {
  const data = JSON.parse(document.getElementById("flame-data").textContent);
  const frame = document.getElementById("flame");
  const chosen = (id) => document.getElementById(id).value;
  const show = () => {
    const difference = chosen("flame-what") === "difference";
    const matches = (p) => p.scenario === chosen("flame-scenario") && p.root === chosen("flame-root");
    const page = data.pages.find((p) => matches(p) && (p.base !== "") === difference);
    const note = document.getElementById("flame-note");
    note.textContent = page ? "" : "This scenario has no difference to show: the others are compared with it.";
    frame.hidden = !page;
    if (page) frame.srcdoc = page.parts.map((i) => data.parts[i]).join("");
  };
  for (const id of ["flame-scenario", "flame-what", "flame-root"]) {
    document.getElementById(id).addEventListener("change", show);
  }
  show();
})();
