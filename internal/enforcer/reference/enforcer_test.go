package reference

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// one is the enforcer that most tests share, because loading it takes seconds in an emulated guest.
var one *Enforcer

func TestMain(m *testing.M) {
	code := m.Run()
	if one != nil {
		one.Close()
	}
	os.Exit(code)
}

func shared(t *testing.T) *Enforcer {
	t.Helper()
	vmtest.Guest(t)
	if one == nil {
		one = load(t)
		if err := one.Attach(); err != nil {
			t.Fatal(err)
		}
	}
	return one
}

func load(t *testing.T) *Enforcer {
	t.Helper()
	vmtest.Guest(t)
	e, err := Load()
	if err != nil {
		var verifier *ebpf.VerifierError
		if errors.As(err, &verifier) {
			t.Log(strings.Join(verifier.Log[max(0, len(verifier.Log)-40):], "\n"))
		}
		t.Fatal(err)
	}
	return e
}

// verifierBudget is far below the million instructions at which a kernel gives up. More instructions also mean that
// loading takes longer.
const verifierBudget = 150_000

func TestLoadsAndAttaches(t *testing.T) {
	e := shared(t)
	programs, err := e.Programs()
	if err != nil {
		t.Fatal(err)
	}
	if len(programs) != 12 || len(e.links) != 12 {
		t.Errorf("%d programs and %d links, want 12 of each", len(programs), len(e.links))
	}
	for _, p := range programs {
		info, err := e.programs[p.Name].Info()
		if err != nil {
			t.Fatal(err)
		}
		n, _ := info.VerifiedInstructions() // since 5.16
		t.Logf("%s on %s: id %d, %d instructions verified", p.Name, p.Hook, p.ID, n)
		if n > verifierBudget {
			t.Errorf("%s: the verifier walked %d instructions, want at most %d", p.Name, n, verifierBudget)
		}
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}
