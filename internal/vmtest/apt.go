package vmtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// apt is a private instance of apt with its own sources, lists and cache. It takes only the mirrors from the machine's
// own.
type apt struct {
	dir string
	log io.Writer
}

// fetchKernel writes vmlinuz and version to dir, both or neither.
func fetchKernel(ctx context.Context, name, dir string, log io.Writer) error {
	for _, tool := range []string{"apt-get", "apt-cache", "dpkg-deb"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%w: fetching it needs %s; or set KERNEL=PATH", ErrUnreachable, tool)
		}
	}
	// Below /tmp rather than the cache: as root, apt downloads as a user of its own who cannot enter /root.
	work, err := os.MkdirTemp("", "lsmprof-apt-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := os.Chmod(work, 0o755); err != nil {
		return err
	}
	fmt.Fprintf(log, "vm: fetching kernel %s with apt (once; cached in %s)\n", name, dir)
	a := apt{work, log}
	deb, version, err := a.kernelPackage(ctx, name)
	if err != nil {
		return err
	}
	vmlinuz, err := a.unpackKernel(ctx, deb)
	if err != nil {
		return err
	}
	return install(dir, vmlinuz, version)
}

// kernelPackage downloads the package with the image and returns its path and version.
func (a apt) kernelPackage(ctx context.Context, name string) (deb, version string, err error) {
	meta := "linux-image-cloud-amd64"
	var sources []string
	if name == Distro {
		if sources, err = distroSources(ctx); err != nil {
			return "", "", err
		}
		if distroID() == "ubuntu" {
			meta = "linux-image-virtual"
		}
	} else if sources, err = debianSources(ctx, suites(name)); err != nil {
		return "", "", err
	}
	if err := a.update(ctx, sources); err != nil {
		return "", "", err
	}
	image, err := a.imagePackage(ctx, meta)
	if err != nil {
		return "", "", err
	}
	if name[0] >= '0' && name[0] <= '9' && !strings.Contains(image, "-"+name+".") {
		return "", "", fmt.Errorf("%w: these suites now have %s", ErrUnreachable, image)
	}
	version, err = a.candidate(ctx, image)
	if err != nil {
		return "", "", err
	}
	if _, err := a.run(ctx, "apt-get", "download", image); err != nil {
		return "", "", fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	debs, err := filepath.Glob(filepath.Join(a.dir, "*.deb"))
	if err != nil || len(debs) != 1 {
		return "", "", fmt.Errorf("apt-get download %s: left %d packages (%v)", image, len(debs), err)
	}
	return debs[0], image + " " + version, nil
}

// update refreshes the lists. A mirror that lacks one of the suites is not an error. If all are missing, imagePackage
// fails.
func (a apt) update(ctx context.Context, sources []string) error {
	for _, d := range []string{"state/lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(a.dir, d), 0o755); err != nil {
			return err
		}
	}
	list := strings.Join(sources, "\n") + "\n"
	if err := os.WriteFile(filepath.Join(a.dir, "sources.list"), []byte(list), 0o644); err != nil {
		return err
	}
	if _, err := a.run(ctx, "apt-get", "-qq", "update"); err != nil {
		fmt.Fprintf(a.log, "vm: %v\n", err)
	}
	return ctx.Err()
}

var dependency = regexp.MustCompile(`(?m)^  (?:Pre)?Depends: (linux-(?:image|binary)-[0-9]\S+)$`)

// imagePackage follows the metapackage to the package with the image. sid keeps it one step further, in linux-binary-*.
func (a apt) imagePackage(ctx context.Context, pkg string) (string, error) {
	for range 3 {
		out, err := a.run(ctx, "apt-cache", "depends", "--no-suggests", "--no-recommends", pkg)
		if err != nil {
			return "", fmt.Errorf("%w: no %s in these suites of the machine's mirrors: %w", ErrUnreachable,
				pkg, err)
		}
		next := dependency.FindStringSubmatch(out)
		if next == nil {
			return pkg, nil
		}
		pkg = next[1]
	}
	return "", fmt.Errorf("%s: its dependencies do not lead to a kernel image", pkg)
}

func (a apt) candidate(ctx context.Context, pkg string) (string, error) {
	out, err := a.run(ctx, "apt-cache", "policy", pkg)
	if err != nil {
		return "", err
	}
	_, rest, ok := strings.Cut(out, "Candidate: ")
	version, _, _ := strings.Cut(rest, "\n")
	if !ok || version == "(none)" {
		return "", fmt.Errorf("%w: no candidate for %s", ErrUnreachable, pkg)
	}
	return version, nil
}

func (a apt) unpackKernel(ctx context.Context, deb string) (string, error) {
	root := filepath.Join(a.dir, "root")
	if _, err := a.run(ctx, "dpkg-deb", "-x", deb, root); err != nil {
		return "", err
	}
	for _, pattern := range []string{"boot/vmlinuz-*", "usr/lib/modules/*/vmlinuz", "lib/modules/*/vmlinuz"} {
		if found, _ := filepath.Glob(filepath.Join(root, pattern)); len(found) == 1 {
			return found[0], nil
		}
	}
	return "", fmt.Errorf("%s contains no vmlinuz where Debian is known to put it", filepath.Base(deb))
}

// run runs an apt tool on the private instance, without the machine's pins and default release.
func (a apt) run(ctx context.Context, tool string, args ...string) (string, error) {
	if strings.HasPrefix(tool, "apt-") {
		for _, o := range []string{
			"Dir::Etc::SourceList=" + a.dir + "/sources.list", "Dir::Etc::SourceParts=/dev/null",
			"Dir::Etc::Preferences=/dev/null", "Dir::Etc::PreferencesParts=/dev/null",
			"APT::Default-Release=",
			"Dir::State=" + a.dir + "/state", "Dir::State::Lists=lists", "Dir::Cache=" + a.dir + "/cache",
			"Dir::Etc::Main=/dev/null", "Acquire::Languages=none", "Acquire::Retries=2",
			"Acquire::http::Timeout=30",
		} {
			args = append(args, "-o", o)
		}
	}
	cmd := exec.CommandContext(ctx, tool, args...)
	cmd.Dir = a.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", tool, err, strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}

// install renames a complete folder to its final name.
func install(dir, vmlinuz, version string) error {
	tmp, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".tmp-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := copyFile(vmlinuz, filepath.Join(tmp, "vmlinuz")); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(tmp, "version"), []byte(version+"\n"), 0o644); err != nil {
		return err
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	// An existing folder without a vmlinuz is empty: a leftover.
	if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.Rename(tmp, dir)
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// unique sorts values and drops duplicates.
func unique(s []string) []string {
	slices.Sort(s)
	return slices.Compact(s)
}
