// Draws deploy/grafana/lsmprof.json with Grafana's own components, from the answers of Prometheus in window.data.
import React from 'react';
import { createRoot } from 'react-dom/client';
import {
  createTheme, dateTime, FieldType, fieldReducers, getDisplayProcessor, getFieldDisplayName, getFieldDisplayValues,
  reduceField, toDataFrame,
} from '@grafana/data';
import {
  BarGauge, BigValue, GlobalStyles, PanelChrome, Table, ThemeContext, TimeSeries,
} from '@grafana/ui';

const theme = createTheme({ colors: { mode: 'light' } });
const { dashboard, answers, from, to } = window.data;
const column = (1400 - 8) / 24, row = 38; // as Grafana's grid, 8 px between panels
const lines = {
  drawStyle: 'line', lineWidth: 1, fillOpacity: 0, showPoints: 'never', lineInterpolation: 'linear',
  axisPlacement: 'auto', scaleDistribution: { type: 'linear' }, spanNulls: false, gradientMode: 'none',
};

// name fills in a legend such as {{workload}}.
const name = (legend, labels) => legend.replace(/{{\s*(\w+)\s*}}/g, (_, label) => labels[label] ?? '') || 'Value';

function series(panel) {
  let index = 0;
  return answers[panel.id].flatMap(({ legend, result }) => result.map(({ metric, values, value }) => {
    const points = values ?? [value];
    const config = {
      ...panel.fieldConfig.defaults, displayNameFromDS: name(legend, metric), color: { mode: 'palette-classic' },
      custom: lines,
    };
    const frame = toDataFrame({ fields: [
      { name: 'Time', type: FieldType.time, values: points.map((p) => p[0] * 1000), config: {} },
      { name: 'Value', type: FieldType.number, values: points.map((p) => Number(p[1])), labels: metric, config },
    ] });
    const numbers = points.map((p) => Number(p[1])).filter(Number.isFinite);
    const range = { min: Math.min(...numbers), max: Math.max(...numbers) };
    frame.fields.forEach((field) => {
      field.state = { seriesIndex: index, range };
      field.display = getDisplayProcessor({ field, theme });
    });
    index++;
    return frame;
  }));
}

const last = (frame) => frame.fields[1].display(reduceField({ field: frame.fields[1], reducers: ['lastNotNull'] }).lastNotNull);

// widthOf returns the width that an override gives to a column.
const widthOf = (panel, column) => panel.fieldConfig.overrides.find((o) => o.matcher.options === column)?.properties[0].value;

function Panel({ panel, width, height }) {
  const frames = series(panel);
  if (panel.type === 'timeseries') {
    const options = panel.options;
    return <TimeSeries frames={frames} structureRev={1} width={width} height={height} timeZone="utc" theme={theme}
      timeRange={{ from: dateTime(from * 1000), to: dateTime(to * 1000), raw: { from: '', to: '' } }}
      legend={{ ...options.legend, showLegend: true }} options={options} />;
  }
  if (panel.type === 'stat') {
    const each = width / frames.length;
    return <div style={{ display: 'flex' }}>{frames.map((frame, i) => (
      <BigValue key={i} width={each} height={height} theme={theme} colorMode={panel.options.colorMode}
        graphMode={panel.options.graphMode} textMode={frames.length > 1 ? 'value_and_name' : 'value'}
        value={{ ...last(frame), title: getFieldDisplayName(frame.fields[1], frame) }}
        sparkline={{ x: frame.fields[0], y: frame.fields[1], timeRange: { from: dateTime(from * 1000), to: dateTime(to * 1000) } }} />
    ))}</div>;
  }
  if (panel.type === 'bargauge') {
    const sorted = frames.slice().sort((a, b) => last(b).numeric - last(a).numeric);
    const most = Math.max(...sorted.map((f) => last(f).numeric));
    // All bars begin below one another, with names and values of one size.
    const longest = (texts) => texts.reduce((a, b) => (b.length > a.length ? b : a), '');
    const align = {
      title: longest(sorted.map((f) => getFieldDisplayName(f.fields[1], f))),
      text: longest(sorted.map((f) => last(f).text + (last(f).suffix ?? ''))),
    };
    const each = Math.min(height / sorted.length, panel.options.maxVizHeight);
    return <div>{sorted.map((frame, i) => {
      const field = { ...frame.fields[1].config, max: most, min: 0 };
      return <BarGauge key={i} width={width} height={each} theme={theme} field={field} text={panel.options.text}
        alignmentFactors={align}
        display={frame.fields[1].display} orientation={panel.options.orientation} displayMode={panel.options.displayMode}
        value={{ ...last(frame), title: getFieldDisplayName(frame.fields[1], frame) }} />;
    })}</div>;
  }
  const rows = answers[panel.id].flatMap((a) => a.result);
  const labels = [...new Set(rows.flatMap((r) => Object.keys(r.metric)))].sort();
  const frame = toDataFrame({ fields: [
    ...labels.map((label) => ({ name: label, type: FieldType.string, values: rows.map((r) => r.metric[label] ?? ''),
      config: { custom: { ...panel.fieldConfig.defaults.custom, width: widthOf(panel, label) } } })),
    {
      name: panel.transformations?.[0].options.renameByName.Value ?? 'Value', type: FieldType.number,
      values: rows.map((r) => Number(r.value[1])), config: panel.fieldConfig.defaults,
    },
  ] });
  frame.fields.forEach((field) => { field.display = getDisplayProcessor({ field, theme }); });
  return <Table data={frame} width={width} height={height} />;
}

function Dashboard() {
  return <ThemeContext.Provider value={theme}><GlobalStyles />
    <div style={{ position: 'relative', background: theme.colors.background.canvas, width: 1400,
      height: 8 + row * Math.max(...dashboard.panels.map(({ gridPos: g }) => g.y + g.h)) }}>
      {dashboard.panels.map((panel) => {
        const { x, y, w, h } = panel.gridPos;
        const width = w * column - 8, height = h * row - 8;
        return <div key={panel.id} style={{ position: 'absolute', left: 8 + x * column, top: 8 + y * row, width, height }}>
          <PanelChrome title={panel.title} width={width} height={height}>
            {(innerWidth, innerHeight) => <Panel panel={panel} width={innerWidth} height={innerHeight} />}
          </PanelChrome>
        </div>;
      })}
    </div></ThemeContext.Provider>;
}

createRoot(document.getElementById('root')).render(<Dashboard />);
