package ociimage_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/ociimage"
)

func example(t *testing.T) ociimage.Image {
	t.Helper()
	file := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(file, []byte("a program"), 0o600); err != nil {
		t.Fatal(err)
	}
	platform := func(arch string) ociimage.Platform {
		return ociimage.Platform{
			Arch: arch, Files: map[string]string{"/b": file, "/a": file},
			Links: map[string]string{"/bin/sh": "busybox"}, Entrypoint: []string{"/a"},
			Cmd: []string{"serve"},
		}
	}
	return ociimage.Image{
		Name: "registry.test:5000/lsmprof:1.2", Created: time.Unix(1700000000, 0),
		Platforms: []ociimage.Platform{platform("amd64"), platform("arm64")},
	}
}

// files returns what the layout holds, by name.
func files(t *testing.T, i ociimage.Image) (all map[string][]byte, archive []byte) {
	t.Helper()
	var out bytes.Buffer
	if err := i.Write(&out); err != nil {
		t.Fatal(err)
	}
	return untar(t, out.Bytes()), out.Bytes()
}

func untar(t *testing.T, archive []byte) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for r := tar.NewReader(bytes.NewReader(archive)); ; {
		h, err := r.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if all[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}

type descriptor struct {
	MediaType, Digest string
	Size              int
	Platform          struct{ Architecture string }
	Annotations       map[string]string
}

type manifest struct {
	Manifests, Layers []descriptor
	Config            descriptor
}

// resolve returns the blob of a descriptor, whose size and digest must fit.
func resolve(t *testing.T, all map[string][]byte, d descriptor, into any) []byte {
	t.Helper()
	body, ok := all["blobs/"+strings.Replace(d.Digest, ":", "/", 1)]
	sum := sha256.Sum256(body)
	if !ok || len(body) != d.Size || d.Digest != "sha256:"+hex.EncodeToString(sum[:]) {
		t.Fatalf("%+v: %d bytes, digest %x", d, len(body), sum)
	}
	if into != nil {
		if err := json.Unmarshal(body, into); err != nil {
			t.Fatal(err)
		}
	}
	return body
}

func TestEveryBlobIsWhatItsDescriptorSays(t *testing.T) {
	all, _ := files(t, example(t))
	var top, list manifest
	if err := json.Unmarshal(all["index.json"], &top); err != nil {
		t.Fatal(err)
	}
	if len(top.Manifests) != 1 || top.Manifests[0].Annotations["io.containerd.image.name"] !=
		"registry.test:5000/lsmprof:1.2" ||
		top.Manifests[0].Annotations["org.opencontainers.image.ref.name"] != "1.2" {
		t.Fatalf("%s", all["index.json"])
	}
	resolve(t, all, top.Manifests[0], &list)
	if len(list.Manifests) != 2 {
		t.Fatalf("%+v", list)
	}
	for n, arch := range []string{"amd64", "arm64"} {
		var m manifest
		var config struct {
			Architecture, OS, Created string
			Config                    struct{ Entrypoint, Cmd []string }
			Rootfs                    struct {
				DiffIDs []string `json:"diff_ids"`
			}
		}
		resolve(t, all, list.Manifests[n], &m)
		resolve(t, all, m.Config, &config)
		layer := untar(t, resolve(t, all, m.Layers[0], nil))
		if list.Manifests[n].Platform.Architecture != arch || config.Architecture != arch ||
			config.OS != "linux" ||
			config.Created != "2023-11-14T22:13:20Z" || config.Config.Entrypoint[0] != "/a" ||
			config.Config.Cmd[0] != "serve" || config.Rootfs.DiffIDs[0] != m.Layers[0].Digest ||
			string(layer["a"]) != "a program" || layer["bin/sh"] == nil || layer["tmp/"] == nil {
			t.Errorf("%s: %+v, layer %q", arch, config, layer)
		}
	}
}

func TestTheSameInputGivesTheSameBytes(t *testing.T) {
	i := example(t)
	_, first := files(t, i)
	if _, second := files(t, i); !bytes.Equal(first, second) {
		t.Error("two archives differ")
	}
}

func TestMissingProgramIsNamed(t *testing.T) {
	i := ociimage.Image{Name: "x:1", Platforms: []ociimage.Platform{{Files: map[string]string{"/a": "/no/such"}}}}
	if err := i.Write(io.Discard); err == nil || !strings.Contains(err.Error(), "/no/such") {
		t.Errorf("%v", err)
	}
}
