// Package browser opens the page of a report in headless Chromium.
package browser

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/lsmprof/lsmprof/internal/rundir/rundirtest"
	"github.com/lsmprof/lsmprof/report"
)

// browser is a headless Chromium that records messages on the console and requests.
type browser struct {
	ctx context.Context

	mu   sync.Mutex
	bad  []string // messages on the console, exceptions and log entries
	seen []string // URLs of requests
}

func openBrowser(t *testing.T) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("chromium is missing: internal/vmtest/deps.sh test installs it")
		}
		t.Skip("chromium is missing: make deps installs it")
	}
	flags := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.WSURLReadTimeout(2*time.Minute),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		// The test can evaluate expressions in a frame only if it shares the page's process.
		chromedp.Flag("disable-features", "IsolateSandboxedIframes"))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, flags...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &browser{ctx: ctx}
	chromedp.ListenTarget(ctx, b.record)
	b.do(t, network.Enable(), cdplog.Enable(), runtime.Enable())
	return b
}

func (b *browser) record(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		b.bad = append(b.bad, fmt.Sprintf("console.%s", e.Type))
	case *runtime.EventExceptionThrown:
		b.bad = append(b.bad, "exception: "+e.ExceptionDetails.Error())
	case *cdplog.EventEntryAdded:
		b.bad = append(b.bad, "log: "+e.Entry.Text)
	case *network.EventRequestWillBeSent:
		b.seen = append(b.seen, e.Request.URL)
	}
}

func (b *browser) do(t *testing.T, actions ...chromedp.Action) {
	t.Helper()
	if err := chromedp.Run(b.ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

// eval evaluates an expression in the page.
func eval[T any](t *testing.T, b *browser, expression string) (out T) {
	t.Helper()
	b.do(t, chromedp.Evaluate(expression, &out))
	return out
}

// inFrame evaluates an expression in the document of the flame graph.
func (b *browser) inFrame(expression string, out any) error {
	return chromedp.Run(b.ctx, chromedp.ActionFunc(func(ctx context.Context) error {
		tree, err := page.GetFrameTree().Do(ctx)
		if err != nil {
			return err
		}
		if len(tree.ChildFrames) == 0 {
			return errors.New("the page has no frame")
		}
		world, err := page.CreateIsolatedWorld(tree.ChildFrames[0].Frame.ID).Do(ctx)
		if err != nil {
			return err
		}
		return chromedp.Evaluate(expression, out, in(world)).Do(ctx)
	}))
}

// in evaluates an expression in a world, such as that of a frame.
func in(world runtime.ExecutionContextID) chromedp.EvaluateOption {
	return func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithContextID(world) }
}

// box is a rectangle in pixels of its document.
type box struct{ X, Y, W, H float64 }

const frameBox = `(name => {
	const frames = [...document.querySelectorAll("#stack-chart .boxbg")];
	const e = frames.find(e => e.textContent.includes(name));
	if (!e) return {X: 0, Y: 0, W: 0, H: 0};
	const r = e.getBoundingClientRect(); return {X: r.x, Y: r.y, W: r.width, H: r.height} })`

// chartFaults returns which labels of drawings are cut off or overlap.
const chartFaults = `(() => { const out = [];
	for (const svg of document.querySelectorAll("svg")) {
		const name = svg.querySelector("title").textContent, outer = svg.getBoundingClientRect(), texts = [];
		if (!name) out.push("a drawing without a title");
		if (outer.width === 0) continue;
		for (const t of svg.querySelectorAll("text")) {
			const r = t.getBoundingClientRect();
			if (r.left < outer.left - 1 || r.right > outer.right + 1 ||
				r.top < outer.top - 1 || r.bottom > outer.bottom + 1)
				out.push(name + ": " + t.textContent + " is cut");
			if (!t.hasAttribute("transform")) texts.push([t.textContent, r]);
		}
		for (let i = 0; i < texts.length; i++) for (let j = 0; j < i; j++) {
			const a = texts[i][1], b = texts[j][1];
			if (a.left < b.right - 1 && b.left < a.right - 1 &&
				a.top < b.bottom - 3 && b.top < a.bottom - 3)
				out.push(name + ": " + texts[i][0] + " overlaps " + texts[j][0]);
		}
	}
	const width = document.documentElement.scrollWidth;
	if (width > innerWidth) out.push("the page is " + width + " px wide");
	return out.slice(0, 20) })()`

// The page shows all sections and drawings, zooms into flame graphs, logs nothing and requests nothing.
func TestPageInABrowser(t *testing.T) {
	r, err := report.Open("../../../docs/sample/run")
	if err != nil {
		t.Fatal(err)
	}
	b := openBrowser(t)
	file := writePage(t, r)
	b.do(t, chromedp.Navigate("file://"+file), chromedp.WaitReady("#flame"))
	for _, id := range []string{"answer", "compared", "scores", "where", "rules", "flames", "how"} {
		if eval[string](t, b, fmt.Sprintf(`document.getElementById(%q).innerText`, id)) == "" {
			t.Errorf("section %s is empty", id)
		}
	}
	exposed := 0
	for _, test := range r.Tests {
		if test.Exposed != nil && *test.Exposed {
			exposed++
		}
	}
	const mostRules = 9 // drawings of costs per rule on a page
	// The losses and the forecast of each exposed test, the heat map, and the costs per rule.
	want := 2*exposed + 1 + min(len(r.PerRule), mostRules)
	if got := eval[int](t, b, `document.querySelectorAll("svg").length`); got != want || exposed == 0 {
		t.Errorf("%d drawings, want %d; %d tests are exposed", got, want, exposed)
	}
	testLayout(t, b)
	b.do(t, emulation.SetDeviceMetricsOverride(1440, 900, 1, false))
	testFlameGraph(t, b, "path_rename")
	testPaper(t, b)

	hostile, err := report.OpenFS(rundirtest.Hostile(t).Files(t))
	if err != nil {
		t.Fatal(err)
	}
	second := writePage(t, hostile)
	b.do(t, chromedp.Navigate("file://"+second), chromedp.WaitReady("#flame"))
	testLayout(t, b)
	b.await(t, "very-long", func(f box) bool { return f.W > 0 })

	single, err := report.OpenProfile("../../../docs/sample/run/profiles/rules=8/rename.pb.gz")
	if err != nil {
		t.Fatal(err)
	}
	third := writePage(t, single)
	b.do(t, chromedp.Navigate("file://"+third), chromedp.WaitReady("#flame"))
	b.await(t, "path_rename", func(f box) bool { return f.W > 0 })

	b.mu.Lock()
	defer b.mu.Unlock()
	for _, url := range b.seen {
		if url != "file://"+file && url != "file://"+second && url != "file://"+third &&
			url != "about:srcdoc" &&
			!strings.HasPrefix(url, "data:") {
			b.bad = append(b.bad, "request: "+url)
		}
	}
	if len(b.bad) > 0 {
		t.Errorf("%q", b.bad)
	}
}

// testLayout checks the page in the width of a desktop and of a phone, in both themes.
func testLayout(t *testing.T, b *browser) {
	t.Helper()
	for _, width := range []int64{1440, 390} {
		for _, theme := range []string{"light", "dark"} {
			b.do(t, emulation.SetDeviceMetricsOverride(width, 900, 1, false),
				emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{
					{Name: "prefers-color-scheme", Value: theme},
				}))
			if faults := eval[[]string](t, b, chartFaults); len(faults) > 0 {
				t.Errorf("at %d px, %s: %s", width, theme, strings.Join(faults, "\n"))
			}
		}
	}
}

// testPaper checks that the page fits the width of A4 without its margins: no column and no part of the flame graph is
// cut off, and folded parts are not printed.
func testPaper(t *testing.T, b *browser) {
	t.Helper()
	const paper = 703 // px
	b.do(t, chromedp.Evaluate(`dispatchEvent(new Event("beforeprint"))`, nil),
		emulation.SetDeviceMetricsOverride(paper, 900, 1, false),
		emulation.SetEmulatedMedia().WithMedia("print"))
	faults := eval[[]string](t, b, `(() => { const out = [];
		for (const e of document.querySelectorAll("table, svg, iframe")) {
			const r = e.getBoundingClientRect();
			if (r.right > innerWidth + 1)
				out.push(e.tagName + " in " + e.closest("section").id + " ends at " + r.right);
		}
		for (const e of document.querySelectorAll("details:not([open])"))
			if (e.getBoundingClientRect().height > 0) out.push(e.innerText + " is printed");
		return out })()`)
	if len(faults) > 0 {
		t.Errorf("on paper: %s", strings.Join(faults, "\n"))
	}
	b.do(t, chromedp.Evaluate(`dispatchEvent(new Event("afterprint"))`, nil),
		emulation.SetEmulatedMedia().WithMedia(""), emulation.SetDeviceMetricsOverride(1440, 900, 1, false))
}

// testFlameGraph zooms into a frame with a click, and selects the other graphs.
func testFlameGraph(t *testing.T, b *browser, hook string) {
	t.Helper()
	b.do(t, chromedp.ScrollIntoView("#flame"))
	before := b.await(t, hook, func(f box) bool { return f.W > 0 })
	var whole box
	if err := b.inFrame(frameBox+`("root")`, &whole); err != nil {
		t.Fatal(err)
	}
	if before.W > 0.9*whole.W {
		t.Fatalf("%s takes %.0f of %.0f px before it is clicked", hook, before.W, whole.W)
	}
	at := eval[box](t, b, `(e => {
		const r = e.getBoundingClientRect();
		return {X: r.x, Y: r.y, W: r.width, H: r.height} })(document.getElementById("flame"))`)
	b.do(t, chromedp.MouseClickXY(at.X+before.X+before.W/2, at.Y+before.Y+before.H/2))
	b.await(t, hook, func(f box) bool { return f.W > 0.95*whole.W })
	for _, choice := range []struct{ what, root, frame string }{
		{"scenario", "test", "8 rules"},
		{"difference", "test", hook},
		{"scenario", "syscall", "renameat2"},
	} {
		b.do(t, chromedp.SetValue("#flame-root", choice.root), chromedp.SetValue("#flame-what", choice.what),
			chromedp.Evaluate(`document.getElementById("flame-root").dispatchEvent(new Event("change"))`,
				nil))
		b.await(t, choice.frame, func(f box) bool { return f.W > 0 })
	}
}

// await waits up to 5 minutes until the box of a flame graph's frame is good, and returns the box.
func (b *browser) await(t *testing.T, name string, good func(box) bool) box {
	t.Helper()
	var f box
	var err error
	for range 3000 {
		f = box{}
		if err = b.inFrame(fmt.Sprintf("%s(%q)", frameBox, name), &f); err == nil && good(f) {
			return f
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("the flame graph's frame %s is %+v (%v)", name, f, err)
	return f
}

// writePage writes the page of a report and returns the path of the file.
func writePage(t *testing.T, r interface{ WriteHTML(io.Writer) error }) string {
	t.Helper()
	var out bytes.Buffer
	if err := r.WriteHTML(&out); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}
