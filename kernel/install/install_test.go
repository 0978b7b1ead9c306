package install

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestInstallAndUninstall(t *testing.T) {
	prefix := t.TempDir()
	p := Place{Prefix: prefix}
	written, err := Install(p, "/bin/tunelab-kernel", false)
	if err != nil || len(written) != len(Names) {
		t.Fatal(written, err)
	}
	for _, name := range []string{"tunelab", "gophernotes"} {
		raw, err := os.ReadFile(filepath.Join(prefix, "share", "jupyter", "kernels", name, "kernel.json"))
		if err != nil {
			t.Fatal(err)
		}
		var s Spec
		if err := json.Unmarshal(raw, &s); err != nil || s.Language != "go" || s.Interrupt != "message" || len(s.Argv) != 2 || s.Argv[1] != "{connection_file}" {
			t.Errorf("%s: %+v %v", name, s, err)
		}
	}
	if _, err := Install(p, "/opt/tunelab-kernel", false); err != nil {
		t.Errorf("over its own: %v", err)
	}
	removed, err := Uninstall(p)
	if err != nil || len(removed) != 2 {
		t.Errorf("removed %v: %v", removed, err)
	}
	if again, err := Uninstall(p); err != nil || len(again) != 0 {
		t.Errorf("removed twice: %v %v", again, err)
	}
}

func TestAnotherKernelStays(t *testing.T) {
	prefix := t.TempDir()
	dir := filepath.Join(prefix, "share", "jupyter", "kernels", "gophernotes")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "kernel.json")
	theirs := []byte(`{"argv":["/go/bin/gophernotes","{connection_file}"]}`)
	if err := os.WriteFile(file, theirs, 0o644); err != nil {
		t.Fatal(err)
	}
	p := Place{Prefix: prefix}
	if _, err := Install(p, "/bin/tunelab-kernel", false); err == nil || !strings.Contains(err.Error(), "another kernel") {
		t.Errorf("it is written over: %v", err)
	}
	if _, err := Uninstall(p); err != nil {
		t.Error(err)
	}
	if raw, err := os.ReadFile(file); err != nil || string(raw) != string(theirs) {
		t.Errorf("it is changed: %s %v", raw, err)
	}
	if _, err := Install(p, "/bin/tunelab-kernel", true); err != nil {
		t.Errorf("by force: %v", err)
	}
}

func TestFolders(t *testing.T) {
	t.Setenv("JUPYTER_DATA_DIR", "")
	t.Setenv("XDG_DATA_HOME", "/data")
	t.Setenv("VIRTUAL_ENV", "/venv")
	for _, c := range []struct {
		place Place
		want  string
	}{
		{Place{SysPrefix: true}, "/venv/share/jupyter/kernels"},
		{Place{Prefix: "/usr"}, "/usr/share/jupyter/kernels"},
	} {
		if got, err := c.place.Folder(); err != nil || got != c.want {
			t.Errorf("%+v: %s %v", c.place, got, err)
		}
	}
	t.Setenv("JUPYTER_DATA_DIR", "/jupyter")
	if got, err := (Place{}).Folder(); err != nil || got != "/jupyter/kernels" {
		t.Errorf("the user's folder: %s %v", got, err)
	}
}
