package ociimage_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/ociimage"
)

// The image holds a binary and its SBOM, and starts with `lsmprof serve`.
func TestLsmprof(t *testing.T) {
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "lsmprof")
	for name, data := range map[string][]byte{binary: self, binary + ".cdx.json": []byte("{}")} {
		if err := os.WriteFile(name, data, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	i, err := ociimage.Lsmprof("registry.test/lsmprof:1", "1", time.Time{}, binary)
	if err != nil {
		t.Fatal(err)
	}
	all, _ := files(t, i)
	var top, m manifest
	if err := json.Unmarshal(all["index.json"], &top); err != nil {
		t.Fatal(err)
	}
	resolve(t, all, top.Manifests[0], &m)
	layer := untar(t, resolve(t, all, m.Layers[0], nil))
	if !bytes.Equal(layer["lsmprof"], self) || string(layer[strings.TrimPrefix(ociimage.SBOM, "/")]) != "{}" {
		t.Errorf("the layer has %d files", len(layer))
	}
	var config struct {
		Config struct {
			Entrypoint, Cmd []string
			Labels          map[string]string
		}
	}
	resolve(t, all, m.Config, &config)
	if c := config.Config; c.Entrypoint[0] != "/lsmprof" || c.Cmd[0] != "serve" ||
		c.Labels["org.opencontainers.image.version"] != "1" {
		t.Errorf("%+v", c)
	}
	if _, err := ociimage.Lsmprof("x:1", "1", time.Time{}, binary+".cdx.json"); err == nil {
		t.Error("text is a binary")
	}
}
