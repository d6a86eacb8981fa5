package vmtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// envMirror names Debian mirrors for machines whose own apt has none: URIs, separated by spaces.
const envMirror = "LSMPROF_MIRROR"

// repo is a repository in the machine's apt configuration.
type repo struct{ uri, release, signedBy string }

// machineRepos asks apt for its repositories: apt resolves every format and include of its configuration.
func machineRepos(ctx context.Context) ([]repo, error) {
	out, err := exec.CommandContext(ctx, "apt-get", "indextargets", "--no-release-info",
		"--format", "$(REPO_URI) $(RELEASE) $(SIGNED_BY)", "Created-By: Packages").Output()
	if err != nil {
		return nil, fmt.Errorf("%w: apt-get indextargets: %w", ErrUnreachable, err)
	}
	var repos []repo
	for _, line := range unique(strings.Split(string(out), "\n")) {
		if f := strings.Fields(line); len(f) >= 2 {
			repos = append(repos, repo{uri: f[0], release: f[1], signedBy: strings.Join(f[2:], " ")})
		}
	}
	return repos, nil
}

// debianSources returns source lines for the suites on the machine's Debian mirrors, verified with Debian's archive
// keys.
func debianSources(ctx context.Context, arch Arch, suites []string) ([]string, error) {
	keyring := archiveKeyring()
	if keyring == "" {
		return nil, fmt.Errorf("%w: no Debian archive keys to verify it with; install debian-archive-keyring",
			ErrUnreachable)
	}
	mirrors, err := debianMirrors(ctx)
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, suite := range suites {
		for _, uri := range mirrors {
			// Security suites have a mirror tree of their own.
			if strings.Contains(suite, "-security") == strings.Contains(uri, "security") {
				lines = append(lines, fmt.Sprintf("deb [arch=%s signed-by=%s] %s %s main", arch.Name,
					keyring, uri, suite))
			}
		}
	}
	return lines, nil
}

func debianMirrors(ctx context.Context) ([]string, error) {
	if given := strings.Fields(os.Getenv(envMirror)); len(given) > 0 {
		return given, nil
	}
	repos, err := machineRepos(ctx)
	if err != nil {
		return nil, err
	}
	var uris []string
	for _, r := range repos {
		if debianRelease(r.release) && distroID() != "ubuntu" {
			uris = append(uris, r.uri)
		}
	}
	if len(uris) == 0 {
		return nil, fmt.Errorf("%w: this machine's apt has no Debian mirror; set %s to the URI of one, "+
			"or give a kernel with KERNEL=/path/vmlinuz", ErrUnreachable, envMirror)
	}
	return unique(uris), nil
}

// debianRelease reports whether a codename is Debian's. Repositories of vendors are not named after a release of
// Debian.
func debianRelease(release string) bool {
	base, _, _ := strings.Cut(release, "-")
	base, _, _ = strings.Cut(base, "/")
	switch base {
	case "sid", "unstable", "testing", "stable", "oldstable", "oldoldstable",
		"bullseye", "bookworm", "trixie", "forky", "duke":
		return true
	}
	return false
}

// distroSources returns the machine's own sources, for its own kernel.
func distroSources(ctx context.Context) ([]string, error) {
	codename := osRelease("VERSION_CODENAME")
	repos, err := machineRepos(ctx)
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, r := range repos {
		if r.release == codename || strings.HasPrefix(r.release, codename+"-") || (distroID() == "debian" &&
			debianRelease(r.release)) {
			options := "arch=amd64"
			if r.signedBy != "" {
				options += " signed-by=" + strings.ReplaceAll(r.signedBy, " ", ",")
			}
			lines = append(lines, fmt.Sprintf("deb [%s] %s %s main", options, r.uri, r.release))
		}
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("%w: this machine's apt has no source for its own release %q", ErrUnreachable,
			codename)
	}
	return lines, nil
}

func archiveKeyring() string {
	for _, f := range []string{
		"/usr/share/keyrings/debian-archive-keyring.gpg",
		"/usr/share/keyrings/debian-archive-keyring.pgp",
	} {
		if _, err := os.Stat(f); err == nil {
			return f
		}
	}
	return ""
}

func distroID() string { return osRelease("ID") }

func osRelease(key string) string {
	text, _ := os.ReadFile("/etc/os-release")
	for line := range strings.Lines(string(text)) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), "="); ok && k == key {
			return strings.Trim(v, `"`)
		}
	}
	return ""
}
