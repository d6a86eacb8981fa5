package listing

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/tracer"
)

// LSM is an active security module.
type LSM struct {
	Name string `json:"name"`
	// Functions is the number of its functions on hooks that can be measured, Frequent of them on hooks that are
	// called very often. BPF has programs instead.
	Functions int `json:"functions"`
	Frequent  int `json:"frequent"`
	// Unavailable are the functions that cannot be measured, with the reason.
	Unavailable map[string]string `json:"unavailable,omitempty"`
	Reason      string            `json:"reason,omitempty"` // why nothing can be measured
	Profiles    []Profile         `json:"profiles,omitempty"`
}

// Profile is a loaded profile of AppArmor.
type Profile struct {
	Name string `json:"name"`
	Mode string `json:"mode"`
	// Bytes is the size of its compiled policy; 0: unknown. The kernel does not know the number of its rules.
	Bytes int64 `json:"bytes,omitempty"`
	// Rules is the number of rules in its text; nil: unknown.
	Rules *int `json:"rules,omitempty"`
}

// Confined is a mount namespace under a policy of a module.
type Confined struct {
	LSM      string `json:"lsm"`
	Workload string `json:"workload"`
	MntNS    uint32 `json:"mntns"`
	Policy   string `json:"policy"` // or mixed
}

const appArmorFS = "/sys/kernel/security/apparmor"

// AddLSMs adds the active security modules, what of each can be measured, and whom they confine. rules are those of
// AppArmor's profiles, as far as their texts are known.
func (l *Listing) AddLSMs(namer tracer.Namer, rules map[string]int) error {
	active, err := kernel.LSMs()
	if err != nil {
		return err
	}
	functions, err := tracer.Functions(active)
	if err != nil {
		return err
	}
	for _, name := range active {
		l.LSMs = append(l.LSMs, summary(name, functions))
		if name == "apparmor" {
			l.LSMs[len(l.LSMs)-1].Profiles = loadedProfiles(appArmorFS, rules)
		}
	}
	names := tracer.Workloads(namer)
	var c lsm.Confinement
	for mntns, policies := range c.All() {
		for module, policy := range policies {
			if slices.Contains(active, module) {
				l.Confined = append(l.Confined, Confined{module, names(mntns).Name(), mntns, policy})
			}
		}
	}
	slices.SortFunc(l.Confined, func(a, b Confined) int {
		return cmp.Or(cmp.Compare(a.LSM, b.LSM), cmp.Compare(a.Workload, b.Workload),
			cmp.Compare(a.MntNS, b.MntNS))
	})
	return nil
}

func summary(name string, functions []tracer.Function) LSM {
	s := LSM{Name: name}
	for _, f := range functions {
		switch {
		case f.LSM != name:
		case f.Unavailable != "":
			if s.Unavailable == nil {
				s.Unavailable = map[string]string{}
			}
			s.Unavailable[f.Name] = f.Unavailable
		default:
			s.Functions++
			if f.Frequent {
				s.Frequent++
			}
		}
	}
	_, known := lsm.FindModule(name)
	switch {
	case name == "bpf":
		s.Reason = "its programs are measured instead"
	case !known:
		s.Reason = "lsmprof does not know its functions"
	case s.Functions == 0:
		s.Reason = "this kernel shows none of its functions"
	}
	return s
}

// loadedProfiles reads lines such as `nginx (enforce)`.
func loadedProfiles(dir string, rules map[string]int) (all []Profile) {
	data, err := os.ReadFile(filepath.Join(dir, "profiles"))
	if err != nil {
		return nil
	}
	sizes := policySizes(filepath.Join(dir, "policy/profiles"))
	for line := range strings.Lines(string(data)) {
		name, mode, ok := strings.Cut(strings.TrimSuffix(strings.TrimSpace(line), ")"), " (")
		if ok {
			p := Profile{Name: name, Mode: mode, Bytes: sizes[name]}
			if n, ok := rules[name]; ok {
				p.Rules = &n
			}
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b Profile) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// policySizes returns the size of the compiled policy of each profile. The folder of a profile has a number behind its
// name, which the file name in it does not have.
func policySizes(dir string) map[string]int64 {
	sizes := map[string]int64{}
	folders, _ := os.ReadDir(dir)
	for _, f := range folders {
		name, err := os.ReadFile(filepath.Join(dir, f.Name(), "name"))
		if err != nil {
			continue
		}
		if info, err := os.Stat(filepath.Join(dir, f.Name(), "raw_data")); err == nil {
			sizes[strings.TrimSpace(string(name))] = info.Size()
		}
	}
	return sizes
}

// writeLSMs prints the security modules in their order, the profiles, and the workloads that they confine.
func (l *Listing) writeLSMs(w io.Writer) error {
	if len(l.LSMs) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	t := &text.Table{Header: []string{"<LSM", "FUNCTIONS", "OFTEN", "<NOTE"}}
	p := &text.Table{Header: []string{"<PROFILE", "<MODE", "BYTES", "RULES"}}
	for _, m := range l.LSMs {
		t.Add(m.Name, strconv.Itoa(m.Functions), strconv.Itoa(m.Frequent), m.note())
		for _, profile := range m.Profiles {
			size, rules := "unknown", "unknown"
			if profile.Bytes > 0 {
				size = text.Thousands(profile.Bytes)
			}
			if profile.Rules != nil {
				rules = strconv.Itoa(*profile.Rules)
			}
			p.Add(profile.Name, profile.Mode, size, rules)
		}
	}
	if err := t.Print(w); err != nil {
		return err
	}
	fmt.Fprintln(w, "FUNCTIONS: that can be measured; OFTEN: of these, on hooks that only --hook includes")
	if p.Len() > 0 {
		fmt.Fprintln(w)
		if err := p.Print(w); err != nil {
			return err
		}
		fmt.Fprintln(w, "BYTES: of the compiled policy; RULES: in its text, see --apparmor-profiles")
	}
	if len(l.Confined) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	c := &text.Table{Header: []string{"<WORKLOAD", "MNTNS", "<LSM", "<POLICY"}}
	for _, row := range l.Confined {
		c.Add(row.Workload, strconv.FormatUint(uint64(row.MntNS), 10), row.LSM, text.Printable(row.Policy))
	}
	return c.Print(w)
}

// note says what of a module cannot be measured.
func (m LSM) note() string {
	notes := []string{}
	if m.Reason != "" {
		notes = append(notes, m.Reason)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Unavailable)) {
		notes = append(notes, name+": "+m.Unavailable[name])
	}
	return strings.Join(notes, "; ")
}
