// Turns every drawn chart into an interactive one: hover, zoom by dragging, log scale, keyboard, touch.
(() => {
  "use strict";
  const HEIGHT = 220;
  const SHARE = 0.25; // how far a press of a key zooms in on each side

  const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function shown(value) {
    if (value === null || value === undefined) return "";
    const size = Math.abs(value);
    if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2).replace(".00e", "e").replace("e+", "e");
    return value.toLocaleString("en", { maximumSignificantDigits: size >= 1000 ? 7 : 5 });
  }

  function options(chart, width, log) {
    const ink = colour("--faint"), line = colour("--line");
    const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, font: "11px system-ui, sans-serif" };
    const wide = (u, texts) => Math.max(34, 14 + 6.6 * Math.max(0, ...(texts || []).map(text => (text || "").length)));
    // Powers of ten; 2 and 5 too where there are few of them.
    const round = (u, splits) => {
      const decades = Math.log10(u.scales.y.max / u.scales.y.min);
      const kept = decades > 4 ? [1] : decades > 1.5 ? [1, 3] : decades > 0.7 ? [1, 2, 5] : [1, 2, 3, 4, 5, 6, 7, 8, 9];
      return splits.map(v => (kept.includes(Math.round(v / 10 ** Math.floor(Math.log10(v) + 1e-9))) ? v : null));
    };
    const labels = (u, splits) => splits.map(v => (v === null ? null : shown(v)));
    return {
      width, height: HEIGHT, legend: { show: false }, padding: [10, 16, 0, 0],
      scales: { x: { time: false }, y: { distr: log ? 3 : 1, log: 10 } },
      axes: [{ ...axis, values: labels, space: 60 }, { ...axis, values: labels, size: wide, space: 28, ...(log ? { filter: round, ticks: { ...axis.ticks, filter: round }, grid: { ...axis.grid, filter: round } } : {}) }],
      series: [{}, ...chart.series.map((one, i) => ({
        label: one.name, stroke: colour(`--c${i % 6}`), width: 1.6, spanGaps: true,
        dash: i >= 6 ? [6, 4] : undefined, points: { show: one.y.filter(v => v !== null).length <= 40, size: 5 },
      }))],
      cursor: { drag: { x: true, y: false }, points: { size: 7 } },
      hooks: { setScale: [(u, key) => key === "x" && chart.range(u.scales.x)], setCursor: [u => chart.tell(u.cursor.idx)] },
    };
  }

  function button(text, title, act) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.title = title;
    made.setAttribute("aria-label", title);
    made.addEventListener("click", act);
    return made;
  }

  function before(values, index) {
    for (let i = index; i >= 0; i--) if (values[i] !== null) return values[i];
    return null;
  }

  function start(figure) {
    const chart = JSON.parse(figure.querySelector("script").textContent);
    const place = figure.querySelector(".plot"), legend = figure.querySelector(".legend");
    const data = [chart.x, ...chart.series.map(one => one.y)];
    const positive = chart.series.every(one => one.y.every(v => v === null || v > 0));
    let plot = null, log = chart.log && positive;

    const where = document.createElement("li"), at = document.createElement("output");
    where.append(chart.across, at);
    const told = chart.series.map((one, i) => {
      const item = document.createElement("li"), value = document.createElement("output");
      const toggle = button("", `show or hide ${one.name}`, () => {
        const on = !plot.series[i + 1].show;
        plot.setSeries(i + 1, { show: on });
        toggle.setAttribute("aria-pressed", String(on));
      });
      const swatch = document.createElement("span");
      swatch.className = "swatch";
      swatch.style.setProperty("--colour", `var(--c${i % 6})`);
      toggle.append(swatch, one.name);
      toggle.setAttribute("aria-pressed", "true");
      item.append(toggle, value);
      return { item, value };
    });
    legend.replaceChildren(...told.map(one => one.item), where);
    chart.tell = index => {
      const last = index ?? chart.x.length - 1;
      at.textContent = shown(chart.x[last]);
      told.forEach((one, i) => { one.value.textContent = shown(before(chart.series[i].y, last)); });
    };

    chart.range = ({ min, max }) => Object.assign(place.dataset, { from: min, to: max });

    const full = () => plot.setData(data);
    const zoom = share => {
      const { min, max } = plot.scales.x, by = (max - min) * share;
      if (max - min - 2 * by > 0) plot.setScale("x", { min: min + by, max: max - by });
    };
    const move = by => {
      const [low, high] = plot.series[0].idxs ?? [0, chart.x.length - 1];
      const index = Math.min(high, Math.max(low, (plot.cursor.idx ?? (by > 0 ? low - 1 : high + 1)) + by));
      plot.setCursor({ left: plot.valToPos(chart.x[index], "x"), top: 10 });
    };
    const scale = button("log", "logarithmic scale (l)", () => {
      log = !log;
      draw();
    });
    const tools = document.createElement("span");
    tools.className = "tools";
    tools.append(...(positive ? [scale] : []), button("+", "zoom in (+)", () => zoom(SHARE)), button("−", "zoom out (−)", () => zoom(-0.5)), button("reset", "show all (0)", full));
    figure.prepend(tools);

    function draw() {
      if (plot) plot.destroy();
      scale.setAttribute("aria-pressed", String(log));
      place.replaceChildren();
      plot = new uPlot(options(chart, place.clientWidth, log), data, place);
      chart.tell(null);
    }
    const keys = { ArrowLeft: () => move(-1), ArrowRight: () => move(1), "+": () => zoom(SHARE), "=": () => zoom(SHARE), "-": () => zoom(-0.5), 0: full, l: () => positive && scale.click() };
    place.tabIndex = 0;
    place.setAttribute("role", "application");
    place.setAttribute("aria-label", `${figure.querySelector("figcaption").textContent}: arrow keys read values, + and − zoom, 0 shows all, l logarithmic`);
    place.addEventListener("keydown", event => {
      const act = keys[event.key];
      if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      act();
    });
    place.addEventListener("touchmove", event => {
      const box = plot.over.getBoundingClientRect(), touch = event.touches[0];
      plot.setCursor({ left: touch.clientX - box.left, top: touch.clientY - box.top });
    }, { passive: true });
    draw();
    new ResizeObserver(() => {
      if (place.clientWidth && place.clientWidth !== plot.width) plot.setSize({ width: place.clientWidth, height: HEIGHT });
    }).observe(place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
    figure.classList.add("live");
  }

  document.querySelectorAll("figure.chart").forEach(start);
})();
