package report

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/pprof/driver"
	pprof "github.com/google/pprof/profile"

	"github.com/lsmprof/lsmprof/internal/rundir"
)

// driverInUse serializes calls of pprof's driver, which keeps its settings in package variables.
var driverInUse sync.Mutex

// servedPages lists pprof's pages that show nothing but the profile itself. Others read source files and binaries that
// the profile names (source, disasm), run Graphviz (the graph), or change the user's settings (saveconfig,
// deleteconfig).
var servedPages = []string{"flamegraph", "top", "peek"}

// pprofPages returns handlers for servedPages on a profile, or on its difference to base, by name.
func pprofPages(p, base *pprof.Profile) (map[string]http.Handler, error) {
	driverInUse.Lock()
	defer driverInUse.Unlock()
	all, err := viewer(p, base)
	if err != nil {
		return nil, err
	}
	pages := map[string]http.Handler{}
	for _, name := range servedPages {
		pages[name] = serialized(all["/"+name])
	}
	return pages, nil
}

// serialized buffers what h writes, hides what the report does not serve, and runs one request at a time.
func serialized(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		driverInUse.Lock()
		defer driverInUse.Unlock()
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, req)
		w.Header().Set("Content-Type", rec.Header().Get("Content-Type"))
		w.WriteHeader(rec.Code)
		_, _ = io.WriteString(w, withoutMenus(rec.Body.String(), served))
	})
}

// viewer returns the handlers of pprof's web UI on a profile, or on its difference to base, by path. The caller holds
// driverInUse.
func viewer(p, base *pprof.Profile) (map[string]http.Handler, error) {
	var handlers map[string]http.Handler
	values := map[string]string{"http": "localhost:1", "symbolize": "none", "sample_index": shownType(p)}
	sources := inMemory{"profile": p}
	if base != nil {
		values["diff_base"], sources["base"] = "base", base
	}
	err := driver.PProf(&driver.Options{
		Flagset: &viewerFlags{values: values}, Fetch: sources, Obj: noBinaries{}, UI: quiet{},
		HTTPServer: func(args *driver.HTTPServerArgs) error {
			handlers = args.Handlers
			return nil
		},
	})
	if err != nil {
		return nil, fmt.Errorf("pprof: %w", err)
	}
	return handlers, nil
}

// shownType returns the sample type that the pages show at first: that of the widest stacks.
func shownType(p *pprof.Profile) string {
	for _, t := range p.SampleType {
		if t.Type == rundir.SyscallTimeType {
			return t.Type
		}
	}
	return p.DefaultSampleType
}

// flameGraph returns the page in which pprof shows a flame graph, fit for standing alone.
func flameGraph(p, base *pprof.Profile) (string, error) {
	driverInUse.Lock()
	defer driverInUse.Unlock()
	handlers, err := viewer(p, base)
	if err != nil {
		return "", err
	}
	w := httptest.NewRecorder()
	handlers["/flamegraph"].ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/flamegraph", nil))
	if w.Code != http.StatusOK {
		return "", fmt.Errorf("pprof: flame graph: %s", strings.TrimSpace(w.Body.String()))
	}
	return withoutMenus(w.Body.String(), alone), nil
}

var (
	savedConfigs = regexp.MustCompile(`(?s)(id="save-config">.*?<hr>).*?(</div>)`)
	configList   = regexp.MustCompile(`(?s)<datalist id="config-list">.*?</datalist>`)
)

// Selectors of the elements that a page cannot use: alone, without any server, or served by Handler.
const (
	alone  = ".title,#view,#sample,#refine,#config,#download,.menu-item,#action-menu hr,#action-menu a"
	served = "#config,#download,#graphbtn,#list,#disasm"
)

// withoutMenus hides elements of pprof's page, and removes the settings that the user has saved in pprof: a report is
// for others.
func withoutMenus(page, hidden string) string {
	page = savedConfigs.ReplaceAllString(page, "$1$2")
	page = configList.ReplaceAllString(page, `<datalist id="config-list"></datalist>`)
	hide := "<style>" + hidden + "{display:none!important}.header{min-height:2.2em}body{background:#fff}" +
		"@media print{.header{display:none!important}*{print-color-adjust:exact!important}}</style>"
	return strings.Replace(page, "</head>", hide+"</head>", 1)
}

// inMemory fetches profiles by name.
type inMemory map[string]*pprof.Profile

func (m inMemory) Fetch(name string, _, _ time.Duration) (*pprof.Profile, string, error) {
	p := m[name]
	if p == nil {
		return nil, "", fmt.Errorf("no profile %q", name)
	}
	return p.Copy(), "", nil
}

// viewerFlags is a command line for pprof with the given values.
type viewerFlags struct {
	values map[string]string
	usage  string
}

func (f *viewerFlags) Bool(name string, v bool, _ string) *bool {
	v = v || name == "no_browser"
	return &v
}
func (f *viewerFlags) Int(_ string, v int, _ string) *int             { return &v }
func (f *viewerFlags) Float64(_ string, v float64, _ string) *float64 { return &v }

func (f *viewerFlags) String(name, v, _ string) *string {
	if given, ok := f.values[name]; ok {
		v = given
	}
	return &v
}

func (f *viewerFlags) StringList(name, v, usage string) *[]*string {
	return &[]*string{f.String(name, v, usage)}
}
func (f *viewerFlags) ExtraUsage() string      { return f.usage }
func (f *viewerFlags) AddExtraUsage(eu string) { f.usage += eu }
func (f *viewerFlags) Parse(func()) []string   { return []string{"profile"} }

// noBinaries prevents pprof from looking for an enforcer's programs on this machine.
type noBinaries struct{}

var errNoBinaries = errors.New("no binaries are read")

func (noBinaries) Open(string, uint64, uint64, uint64, string) (driver.ObjFile, error) {
	return nil, errNoBinaries
}

func (noBinaries) Disasm(string, uint64, uint64, bool) ([]driver.Inst, error) {
	return nil, errNoBinaries
}

// quiet is a user interface without output.
type quiet struct{}

func (quiet) ReadLine(string) (string, error)     { return "", io.EOF }
func (quiet) Print(...any)                        {}
func (quiet) PrintErr(...any)                     {}
func (quiet) IsTerminal() bool                    { return false }
func (quiet) WantBrowser() bool                   { return false }
func (quiet) SetAutoComplete(func(string) string) {}

// parts splits a page where it differs from others of its kind: around scripts, style sheets and long lines, which are
// data.
func parts(page string) []string {
	var out []string
	for _, piece := range strings.SplitAfter(page, "</script>") {
		for _, piece := range strings.SplitAfter(piece, "</style>") {
			start := 0
			for pos := 0; pos < len(piece); {
				end := strings.IndexByte(piece[pos:], '\n')
				if end < 0 {
					break
				}
				if end += pos; end-pos > 130 {
					out = append(out, piece[start:pos], piece[pos:end])
					start = end
				}
				pos = end + 1
			}
			out = append(out, piece[start:])
		}
	}
	return slices.DeleteFunc(out, func(s string) bool { return s == "" })
}
