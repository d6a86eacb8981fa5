package cli

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/enforcer/lookalike"
	"github.com/lsmprof/lsmprof/internal/listing"
	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/profile"
)

// Programs that only their owner can open stop no command. Their cost is in the row of their hook.
func TestCommandsBesideAGuard(t *testing.T) {
	// Before 5.18 every hook is measured as a whole, without a name for what is on it.
	hook, warning := "bpf: whole hook", "3 programs refuse to be opened"
	if !vmtest.Guest(t).AtLeast(5, 18) {
		hook, warning = "bpf: ", ""
	}
	guard, err := lookalike.AttachGuard(uint32(os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	defer guard.Close()
	e, err := lookalike.VArmorLayouts[len(lookalike.VArmorLayouts)-1].Load()
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()

	output := func(t *testing.T, args ...string) string {
		t.Helper()
		cmd := lsmprof(args...)
		var out, errs strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Run(); err != nil {
			t.Fatalf("lsmprof %s: %v\n%s%s", strings.Join(args, " "), err, out.String(), errs.String())
		}
		return out.String()
	}
	t.Run("list", func(t *testing.T) {
		var l listing.Listing
		if err := json.Unmarshal([]byte(output(t, "list", "--json")), &l); err != nil {
			t.Fatal(err)
		}
		refused := map[string]string{}
		for _, p := range l.Programs {
			if p.Refused {
				refused[p.Name] = p.Hook
			}
		}
		if len(refused) != 3 || refused["guard_bpf_prog"] != "bpf_prog" || refused["guard_bpf"] != "bpf" {
			t.Errorf("programs that refuse to be opened: %v", refused)
		}
		if len(l.Warnings) == 0 {
			t.Error("no warning")
		}
	})
	t.Run("check", func(t *testing.T) {
		if out := output(t, "check", "-v"); !strings.Contains(out, "guarded programs") {
			t.Errorf("check does not mention the guard:\n%s", out)
		}
	})
	t.Run("record", func(t *testing.T) {
		// lsmprof itself opens files and calls bpf(2).
		out := output(t, "record", "--self", "--calibration", "off", "--json", "-o", "-", "-d", "1s")
		d, err := profile.ReadJSON(strings.NewReader(out))
		if err != nil {
			t.Fatal(err)
		}
		byProgram := map[string]uint64{}
		for _, r := range d.Rows {
			byProgram[r.Hook+": "+r.Program] += r.Calls
		}
		if byProgram[hook] == 0 {
			t.Errorf("no calls of %q in %v", hook, byProgram)
		}
		if !strings.Contains(strings.Join(d.Warnings, "\n"), warning) {
			t.Errorf("warnings %q, want %q", d.Warnings, warning)
		}
	})
	t.Run("top", func(t *testing.T) { output(t, "top", "--calibration", "off", "-n", "2", "--interval", "300ms") })
	t.Run("trace", func(t *testing.T) { output(t, "trace", "--calibration", "off", "-d", "300ms") })
	t.Run("bench", func(t *testing.T) {
		vmtest.OnOneKernel(t) // it takes some 15 s
		output(t, "bench", "--rules", "0", "--tests", "syscall", "--runs", "1", "--slice", "5ms",
			"--warmup", "1ms", "--dir", t.TempDir()+"/run")
	})
	t.Run("serve", func(t *testing.T) {
		s := startServe(t, "--calibration", "off")
		if _, err := s.profile(t.Context(), "1"); err != nil {
			t.Error(err)
		}
		_ = s.cmd.Process.Signal(unix.SIGTERM)
		if err := s.cmd.Wait(); err != nil {
			t.Errorf("serve ended with %v", err)
		}
	})
}
