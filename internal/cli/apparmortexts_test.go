package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/lsmprof/lsmprof/profile"
)

func TestRulesOfAppArmorTexts(t *testing.T) {
	var none appArmorTexts
	if err := none.read(); err != nil || none.policyRules() != nil {
		t.Errorf("without texts: %v", err)
	}
	a := appArmorTexts{dir: t.TempDir()}
	text := "profile nginx /usr/sbin/nginx {\n  file,\n  deny /etc/shadow r,\n}\n"
	if err := os.WriteFile(filepath.Join(a.dir, "nginx"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := a.read(); err != nil {
		t.Fatal(err)
	}
	rules := a.policyRules()
	for policy, want := range map[string]int{
		"nginx (enforce)": 2, "unconfined": profile.RulesUnknown, "mixed": profile.RulesUnknown,
		"other (complain)": profile.RulesUnknown,
	} {
		if got := rules("apparmor", policy); got != want {
			t.Errorf("%s: %d rules, want %d", policy, got, want)
		}
	}
	if got := rules("selinux", "nginx"); got != profile.RulesUnknown {
		t.Errorf("selinux: %d rules", got)
	}
	a.dir = filepath.Join(a.dir, "missing")
	if err := a.read(); err == nil {
		t.Error("a missing folder is no error")
	}
}
