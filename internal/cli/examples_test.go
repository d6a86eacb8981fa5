package cli

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/rundir"
)

// exampleTools skips the test if a program is missing. `make test` installs all of them, so there it fails.
func exampleTools(t *testing.T, names ...string) {
	t.Helper()
	needRoot(t)
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:"+strings.Join(postgresBin(), ":"))
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			if os.Getenv("LSMPROF_VM") != "" {
				t.Fatalf("%v: make deps installs it", err)
			}
			t.Skip(err)
		}
	}
}

func postgresBin() []string {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	return dirs
}

// freePort returns a TCP port that no process listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// serveProduct runs a server until the test ends. It returns once the port accepts connections.
func serveProduct(t *testing.T, uid int, port string, args ...string) {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setpgid: true, Pdeathsig: syscall.SIGTERM,
		Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)},
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		cmd.Wait()
		if t.Failed() {
			t.Log(out.String())
		}
	})
	for range 6000 {
		if c, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			c.Close()
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s does not listen after 5 minutes", args[0])
}

// example runs a script of examples/bench with tiny sizes under two identical scenarios.
func example(t *testing.T, script string, env ...string) {
	t.Helper()
	binary := publicCopy(t)
	path, err := filepath.Abs("../../examples/bench/" + script)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", path, "--enforcer", "none", "--same", "2", "--runs", "2", "--json", "--output",
		filepath.Join(t.TempDir(), "run"))
	cmd.Env = append(append(os.Environ(), lsmprofEnv+"=1", "PATH="+filepath.Dir(binary)+":"+os.Getenv("PATH")),
		env...)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, &errs)
	}
	var doc struct{ Cells []rundir.Cell }
	if err := json.Unmarshal(out, &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Cells) != 3 {
		t.Errorf("%d cells", len(doc.Cells))
	}
	for _, c := range doc.Cells {
		if c.Rounds != 2 || c.Score <= 0 {
			t.Errorf("%s under %s: %d rounds, score %g", c.Test, c.Scenario, c.Rounds, c.Score)
		}
	}
	t.Logf("%s: %.4g %s", doc.Cells[0].Test, doc.Cells[0].Score, doc.Cells[0].Unit)
}

func TestExampleRedis(t *testing.T) {
	exampleTools(t, "redis-server", "redis-benchmark")
	port := freePort(t)
	serveProduct(t, 0, port, "redis-server", "--port", port, "--save", "", "--dir", t.TempDir())
	example(t, "redis.sh", "N=2000", "PORT="+port)
}

func TestExampleNginx(t *testing.T) {
	exampleTools(t, "nginx", "wrk")
	dir, port := t.TempDir(), freePort(t)
	conf := fmt.Sprintf("daemon off; error_log stderr; pid %[1]s/pid; events {} http { access_log off; server { "+
		"listen 127.0.0.1:%[2]s; location / { return 200 hello; } } }", dir, port)
	if err := os.WriteFile(filepath.Join(dir, "conf"), []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	serveProduct(t, 0, port, "nginx", "-p", dir, "-c", filepath.Join(dir, "conf"))
	example(t, "nginx.sh", "T=1", "URL=http://127.0.0.1:"+port+"/")
}

func TestExamplePgbench(t *testing.T) {
	exampleTools(t, "initdb", "postgres", "pgbench")
	// PostgreSQL refuses to run as root.
	u, err := user.Lookup("postgres")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	dir, err := os.MkdirTemp("", "lsmprof-pg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chown(dir, uid, uid); err != nil {
		t.Fatal(err)
	}
	data, port := filepath.Join(dir, "data"), freePort(t)
	run := func(args ...string) {
		t.Helper()
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir = dir
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)},
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", args[0], err, out)
		}
	}
	run("initdb", "--no-sync", "-A", "trust", "-D", data)
	serveProduct(t, uid, port, "postgres", "-D", data, "-p", port, "-k", dir, "-c", "fsync=off")
	at := []string{"-h", "127.0.0.1", "-p", port, "-U", "postgres"}
	run(slices.Concat([]string{"createdb"}, at, []string{"bench"})...)
	run(slices.Concat([]string{"pgbench"}, at, []string{"-q", "-i", "bench"})...)
	example(t, "pgbench.sh", "T=1", "PGHOST=127.0.0.1", "PGPORT="+port, "PGUSER=postgres")
}

func TestExampleStressNG(t *testing.T) {
	exampleTools(t, "stress-ng")
	example(t, "stress-ng.sh", "T=1")
}

func TestExampleHackbench(t *testing.T) {
	exampleTools(t, "hackbench")
	example(t, "hackbench.sh", "N=2")
}
