// Moves the line of every plot to the number of rules of the slider, says what the loss is there, and draws the curve
// of the chosen type. Losses are hundredths of a percent. The sizes are those of forecast.go.
(() => {
  const data = JSON.parse(document.getElementById("forecast-data").textContent);
  const slider = document.getElementById("forecast-number");
  const kind = document.getElementById("forecast-kind");
  const figures = [...document.getElementById("forecast-plots").querySelectorAll("figure")];
  const left = 40, right = 322, top = 8, bottom = 146;
  const percent = (v) => (v / 100).toFixed(2) + " %";
  const x = (n) => (left + (n / slider.max) * (right - left)).toFixed(1);
  const draw = () => {
    const n = Number(slider.value);
    document.getElementById("forecast-rules").textContent = n;
    data.tests.forEach((test, i) => {
      const figure = figures[i], curve = test.curves[kind.value], value = figure.querySelector(".value");
      figure.querySelector(".at").setAttribute("d", `M${x(n)} ${top}L${x(n)} ${bottom}`);
      const y = (v) => (bottom - Math.min(1, v / 1e4 / Math.max(test.high, 1e-4)) * (bottom - top)).toFixed(1);
      const points = (values) => values.map((v, k) => `${x(k)} ${y(v)}`);
      const band = curve ? "M" + points(curve.high).concat(points(curve.low).reverse()).join("L") + "Z" : "";
      figure.querySelector(".interval").setAttribute("d", band);
      figure.querySelector(".fit").setAttribute("d", curve ? "M" + points(curve.loss).join("L") : "");
      value.textContent = curve
        ? `${percent(curve.loss[n])} (${percent(curve.low[n])} to ${percent(curve.high[n])})` +
          (n > 4 * data.measured ? ", extrapolated" : "")
        : "walks no such rules";
    });
  };
  slider.addEventListener("input", draw);
  kind.addEventListener("change", draw);
  document.getElementById("forecast-choose").hidden = false;
  draw();
})();
