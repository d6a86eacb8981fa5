package policy

import (
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/lsmprof/lsmprof/profile"
)

func TestRulesOfWhatConfinesAProcess(t *testing.T) {
	a := AppArmor{"nginx": 2}
	for _, test := range []struct {
		module, confinement string
		want                int
	}{
		{"apparmor", "nginx (enforce)", 2},
		{"apparmor", "nginx", 2},
		{"apparmor", "unconfined", profile.RulesUnknown},
		{"apparmor", "other (complain)", profile.RulesUnknown},
		{"selinux", "nginx", profile.RulesUnknown},
	} {
		if got := a.Rules(test.module, test.confinement); got != test.want {
			t.Errorf("%s %s: %d rules, want %d", test.module, test.confinement, got, test.want)
		}
	}
	if got := AppArmor(nil).Rules("apparmor", "nginx"); got != profile.RulesUnknown {
		t.Errorf("without texts: %d rules", got)
	}
}

func TestAppArmorRules(t *testing.T) {
	files := fstest.MapFS{}
	for name, text := range map[string]string{
		"nginx": `
#include <tunables/global>
@{RUN} = /run /var/run
abi <abi/4.0>,
profile nginx /usr/{,local/}sbin/nginx flags=(attach_disconnected, complain) {
  #include <abstractions/base>
  include if exists <local/nginx>
  # a comment, with a comma
  capability net_bind_service, # and one more, behind a rule
  deny /etc/{passwd,shadow} r,
  "/srv/a, b/**" r,
  /srv/\{x r,
  network (send, receive) inet stream,
  audit deny {
    /root/** rw,
    /home/** rw,
  }
  ^worker {
    /var/www/** r,
  }
  profile helper {
    /bin/x ix,
    /bin/y ix,
  }
}
/usr/bin/man { file, }
`,
		"empty":               "profile empty { }\nprofile local { include <local.d> }\n",
		"broken":              "profile broken {\n  include <abstractions/missing>\n  file,\n}\n",
		"abstractions/base":   "  /dev/null rw,\n  /etc/ld.so.cache r,\n  include <abstractions/more>\n",
		"abstractions/more":   "  include <abstractions/base>\n  /dev/zero r,\n",
		"tunables/global":     "@{HOME}=/root\n",
		"local.d/one":         "/one r,",
		"local.d/two":         "/two r,\n/three r,",
		"disable/.hidden":     "profile hidden { file, }",
		".README.not-profile": "profile readme { file, }",
	} {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	got, problems, err := AppArmorRules(files)
	want := map[string]int{
		"nginx": 10, "nginx//worker": 1, "nginx//helper": 2, "/usr/bin/man": 1, "empty": 0, "local": 3,
	}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), "abstractions/missing") {
		t.Errorf("%v", problems)
	}
	if _, _, err := AppArmorRules(fstest.MapFS{}); err != nil {
		t.Error(err)
	}
}

func FuzzAppArmorRules(f *testing.F) {
	f.Add("profile a { include <f>\n file, }", "b")
	f.Fuzz(func(_ *testing.T, a, b string) {
		_, _, _ = AppArmorRules(fstest.MapFS{"a": {Data: []byte(a)}, "f": {Data: []byte(b)}})
	})
}
