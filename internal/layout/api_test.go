package layout

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/golden"
)

// public are the packages that other modules may import. Golden files hold their API, so that a review sees every
// change.
var public = []string{"tracer", "profile", "report"}

func TestPublicAPI(t *testing.T) {
	for _, name := range public {
		doc, err := exec.Command("go", "doc", "-all", module+name).Output()
		if err != nil {
			t.Fatalf("go doc %s: %v", name, err)
		}
		golden.Equal(t, name+".txt", doc)
	}
}

// A caller in another module cannot name an internal type, so neither may a signature or a field.
func TestPublicAPIMentionsNoInternalType(t *testing.T) {
	exports := exportData(t)
	imp := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})
	for _, name := range public {
		pkg, err := imp.Import(module + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, ident := range pkg.Scope().Names() {
			obj := pkg.Scope().Lookup(ident)
			if !obj.Exported() {
				continue
			}
			if bad := internalType(obj.Type(), map[types.Type]bool{}); bad != "" {
				t.Errorf("%s.%s mentions %s", name, ident, bad)
			}
		}
	}
}

// exportData returns the files with the compiler's export data, by import path.
func exportData(t *testing.T) map[string]string {
	t.Helper()
	args := []string{"list", "-export", "-deps", "-json=ImportPath,Export"}
	for _, name := range public {
		args = append(args, module+name)
	}
	out, err := exec.Command("go", args...).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	files := map[string]string{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct{ ImportPath, Export string }
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return files
		} else if err != nil {
			t.Fatal(err)
		}
		files[p.ImportPath] = p.Export
	}
}

// internalType returns the first type of an internal package of ours that t's exported surface mentions.
func internalType(t types.Type, seen map[types.Type]bool) string {
	if seen[t] {
		return ""
	}
	seen[t] = true
	walk := func(all ...types.Type) string {
		for _, next := range all {
			if bad := internalType(next, seen); bad != "" {
				return bad
			}
		}
		return ""
	}
	switch t := t.(type) {
	case *types.Named:
		if pkg := t.Obj().Pkg(); pkg != nil {
			if !strings.HasPrefix(pkg.Path()+"/", module) {
				return ""
			}
			if strings.Contains(pkg.Path()+"/", "/internal/") || pkg.Path() == module+"bpf" {
				return t.String()
			}
		}
		for i := range t.NumMethods() {
			if m := t.Method(i); m.Exported() {
				if bad := walk(m.Type()); bad != "" {
					return m.Name() + ": " + bad
				}
			}
		}
		return walk(t.Underlying())
	case *types.Alias:
		return walk(types.Unalias(t))
	case *types.Struct:
		for i := range t.NumFields() {
			if f := t.Field(i); f.Exported() {
				if bad := walk(f.Type()); bad != "" {
					return f.Name() + ": " + bad
				}
			}
		}
	case *types.Interface:
		for i := range t.NumMethods() {
			if bad := walk(t.Method(i).Type()); bad != "" {
				return bad
			}
		}
	case *types.Signature:
		for v := range t.Params().Variables() {
			if bad := walk(v.Type()); bad != "" {
				return bad
			}
		}
		for v := range t.Results().Variables() {
			if bad := walk(v.Type()); bad != "" {
				return bad
			}
		}
	case *types.Map:
		return walk(t.Key(), t.Elem())
	case interface{ Elem() types.Type }: // pointers, slices, arrays, channels
		return walk(t.Elem())
	}
	return ""
}
