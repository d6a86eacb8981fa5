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
  // On paper the frame is narrower than on the screen, and pprof does not draw again: scale what it has drawn.
  const paper = 690; // px: A4 without the margins of the style sheet
  window.addEventListener("beforeprint", () => {
    const { offsetWidth: width, offsetHeight: height } = frame;
    const scale = Math.min(1, paper / width);
    Object.assign(frame.style, {
      width: `${width}px`, transform: `scale(${scale})`, transformOrigin: "0 0",
      margin: `0 ${(scale - 1) * width}px ${(scale - 1) * height}px 0`,
    });
  });
  window.addEventListener("afterprint", () => frame.removeAttribute("style"));
})();
