// Draws the first page's charts from the JSON beside them, in the tokens' colours; anew when the
// theme changes. A bar leads to the calls it stands for.
{
  const charts = new Map();
  const colours = () => {
    const style = getComputedStyle(document.documentElement);
    return (name) => style.getPropertyValue(`--${name}`).trim();
  };

  const options = (colour, data) => ({
    animation: false,
    responsive: true,
    maintainAspectRatio: false,
    interaction: { mode: "nearest", intersect: true },
    onClick: (_event, [bar]) => {
      if (bar) location.href = data.series[bar.datasetIndex].urls[bar.index];
    },
    onHover: (event, bars) => {
      event.native.target.classList.toggle("leads", bars.length > 0);
    },
    plugins: {
      legend: { display: false },
      tooltip: {
        backgroundColor: colour("ink"),
        titleColor: colour("surface"),
        bodyColor: colour("surface"),
        displayColors: false,
      },
    },
    scales: {
      x: {
        stacked: true,
        grid: { display: false },
        border: { color: colour("line") },
        ticks: { color: colour("ink3"), maxRotation: 0 },
      },
      y: {
        stacked: true,
        beginAtZero: true,
        grid: { color: colour("line") },
        border: { display: false },
        ticks: { color: colour("ink3"), maxTicksLimit: 5, precision: 0 },
      },
    },
  });

  const draw = (canvas) => {
    const colour = colours();
    const data = JSON.parse(document.getElementById(canvas.dataset.chart).textContent);
    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    charts.get(canvas)?.destroy();
    const datasets = data.series.map((one) => ({
      label: one.label,
      data: one.values,
      backgroundColor: colour(one.colour),
      borderColor: colour("surface"), // a gap between neighbours
      borderWidth: { top: 2 },
      borderSkipped: false,
      maxBarThickness: 44,
    }));
    charts.set(
      canvas,
      new Chart(canvas, {
        type: "bar",
        data: { labels: data.labels, datasets },
        options: options(colour, data),
      }),
    );
  };

  const drawAll = () => document.querySelectorAll("[data-chart]").forEach(draw);
  addEventListener("themechange", drawAll);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  document.fonts.ready.then(drawAll);
}
