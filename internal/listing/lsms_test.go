package listing

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/tracer"
)

func TestLoadedProfiles(t *testing.T) {
	dir := t.TempDir()
	for path, content := range map[string]string{
		"profiles":                          "nginx (enforce)\n/usr/bin/man (complain)\n",
		"policy/profiles/nginx.3/name":      "nginx\n",
		"policy/profiles/nginx.3/raw_data":  strings.Repeat("x", 4096),
		"policy/profiles/usr.bin.man.1/sha": "no name",
	} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rules := 7
	want := []Profile{
		{Name: "/usr/bin/man", Mode: "complain"},
		{Name: "nginx", Mode: "enforce", Bytes: 4096, Rules: &rules},
	}
	if got := loadedProfiles(dir, map[string]int{"nginx": 7}); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := loadedProfiles(filepath.Join(dir, "missing"), nil); got != nil {
		t.Errorf("%+v", got)
	}
}

func TestListingOfSecurityModules(t *testing.T) {
	functions := []tracer.Function{
		{LSM: "apparmor", Name: "apparmor_file_open", Hook: "file_open"},
		{LSM: "apparmor", Name: "apparmor_file_permission", Hook: "file_permission", Frequent: true},
		{LSM: "apparmor", Name: "apparmor_capable", Hook: "capable", Unavailable: "the compiler inlined it"},
	}
	l := &Listing{Confined: []Confined{{"apparmor", "shop/web-0/nginx", 4026532200, "nginx (enforce)"}}}
	for _, name := range []string{"acme", "yama", "apparmor", "bpf"} {
		l.LSMs = append(l.LSMs, summary(name, functions))
	}
	rules := 12
	l.LSMs[2].Profiles = []Profile{
		{Name: "nginx", Mode: "enforce", Bytes: 4096, Rules: &rules}, {Name: "sshd", Mode: "complain"},
	}
	var b strings.Builder
	if err := l.writeLSMs(&b); err != nil {
		t.Fatal(err)
	}
	want := `
LSM       FUNCTIONS  OFTEN  NOTE
acme              0      0  lsmprof does not know its functions
yama              0      0  this kernel shows none of its functions
apparmor          2      1  apparmor_capable: the compiler inlined it
bpf               0      0  its programs are measured instead
FUNCTIONS: that can be measured; OFTEN: of these, on hooks that only --hook includes

PROFILE  MODE        BYTES    RULES
nginx    enforce     4,096       12
sshd     complain  unknown  unknown
BYTES: of the compiled policy; RULES: in its text, see --apparmor-profiles

WORKLOAD               MNTNS  LSM       POLICY
shop/web-0/nginx  4026532200  apparmor  nginx (enforce)
`
	if b.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", b.String(), want)
	}
}
