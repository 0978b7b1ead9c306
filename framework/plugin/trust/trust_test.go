package trust

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestFileNames(t *testing.T) {
	for _, s := range []string{"tunelab-plugin-lora", "tunelab-plugin-prompt-tuning_v1.2.3_p1.0_linux_amd64", "tunelab-plugin-x_v0.1.0-rc.1+b7_p2.13_windows_arm64.exe"} {
		f, err := ParseName(s)
		if err != nil || f.String() != s {
			t.Errorf("%s reads as %+v, %v", s, f, err)
		}
	}
	f, _ := ParseName("tunelab-plugin-x_v0.1.0-rc.1+b7_p2.13_windows_arm64.exe")
	if f.Name != "x" || f.Version.String() != "0.1.0-rc.1+b7" || f.Protocol != 2 || f.ProtocolMinor != 13 || f.OS != "windows" || f.Arch != "arm64" {
		t.Errorf("read %+v", f)
	}
	for _, s := range []string{
		"lora", "tunelab-plugin-", "tunelab-plugin-Lora", "tunelab-plugin-a.b", "tunelab-plugin-_v1.0.0_p1.0_linux_amd64",
		"tunelab-plugin-a_1.0.0_p1.0_linux_amd64", "tunelab-plugin-a_v1.0_p1.0_linux_amd64", "tunelab-plugin-a_v01.0.0_p1.0_linux_amd64",
		"tunelab-plugin-a_v1.0.0_p1_linux_amd64", "tunelab-plugin-a_v1.0.0_p0.1_linux_amd64", "tunelab-plugin-a_v1.0.0_p1.0_linux",
		"tunelab-plugin-a_v1.0.0_p1.0_linux_amd64_old", "tunelab-plugin-a_v1.0.0_p1.0_linux_amd64.bak", "tunelab-plugin-a_v1.0.0-_p1.0_linux_amd64",
	} {
		if f, err := ParseName(s); err == nil || !strings.Contains(err.Error(), s) {
			t.Errorf("%s reads as %+v, %v", s, f, err)
		}
	}
}

func TestVersionsInOrder(t *testing.T) {
	// Section 11.4 of Semantic Versioning 2.0.0, and numbers by value.
	order := []string{"1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.10", "1.2.0", "1.10.0", "2.0.0"}
	for i, a := range order {
		for j, b := range order {
			x, err := ParseVersion(a)
			if err != nil {
				t.Fatal(err)
			}
			y, err := ParseVersion(b)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := x.Compare(y), min(max(i-j, -1), 1); got != want {
				t.Errorf("%s to %s: %d, expected %d", a, b, got, want)
			}
		}
		if x, _ := ParseVersion(a); (Version{}).Compare(x) != -1 {
			t.Errorf("no version is not below %s", a)
		}
	}
}

func TestConstraints(t *testing.T) {
	for _, c := range []struct{ constraint, yes, no string }{
		{"", "0.1.0 9.9.9 1.0.0-rc.1", ""},
		{"1.2.3", "1.2.3", "1.2.4 1.2.3-rc.1"},
		{">=1.2.0, <2.0.0", "1.2.0 1.9.9", "1.1.9 2.0.0 2.0.0-rc.1"},
		{"^1.2.3", "1.2.3 1.9.0", "1.2.2 2.0.0"},
		{"^0.2.3", "0.2.3 0.2.9", "0.3.0 0.2.2"},
		{"^0.0.3", "0.0.3", "0.0.4"},
		{"~1.2.3", "1.2.3 1.2.9", "1.3.0"},
		{">1.0.0-rc.1", "1.0.0-rc.2 1.0.0 1.1.0", "1.0.0-rc.1 1.1.0-rc.1"},
		{"<=1.0.0", "1.0.0", "1.0.1"},
	} {
		k, err := ParseConstraint(c.constraint)
		if err != nil {
			t.Errorf("%q: %v", c.constraint, err)
		}
		for _, s := range strings.Fields(c.yes + " " + c.no) {
			v, err := ParseVersion(s)
			if want := slices.Contains(strings.Fields(c.yes), s); err != nil || k.Allows(v) != want {
				t.Errorf("%q allows %s: %v, expected %v (%v)", c.constraint, s, !want, want, err)
			}
		}
	}
	for _, s := range []string{"latest", ">=1", "=>1.0.0", "^^1.0.0", "1.0.0 || 2.0.0"} {
		if _, err := ParseConstraint(s); err == nil {
			t.Errorf("%q is taken", s)
		}
	}
}

func TestLockReadsBackWhatItWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tunelab.lock")
	l, err := ReadLock(path)
	if err != nil || len(l.Plugins) != 0 {
		t.Fatalf("a lock that is not there: %+v, %v", l, err)
	}
	a, b := strings.Repeat("a", 64), strings.Repeat("b", 64)
	l.Put(Entry{Name: "vera", Source: "v", Version: "0.1.0", Protocol: "1.0", SHA256: map[string]string{"linux_amd64": a}})
	l.Put(Entry{Name: "ia3", Source: "https://example.org/x", Version: "1.0.0", Constraint: "^1.0.0", Protocol: "1.0", SHA256: map[string]string{"linux_arm64": b, Platform(): a}})
	if err := l.Write(); err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	back, err := ReadLock(path)
	if err != nil || len(back.Plugins) != 2 || back.Plugins[0].Name != "ia3" || back.Plugins[0].Constraint != "^1.0.0" || back.Plugins[0].SHA256["linux_arm64"] != b {
		t.Fatalf("%+v, %v", back, err)
	}
	if err := back.Write(); err != nil {
		t.Fatal(err)
	}
	if second, err := os.ReadFile(path); err != nil || string(first) != string(second) {
		t.Errorf("written again it differs:\n%s\n%s", first, second)
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("beside the lock lie %v", files)
	}
	if err := back.Admit("ia3", "1.0.0", a); err != nil {
		t.Error(err)
	}
	for _, c := range []struct{ name, version, sum string }{{"lora", "1.0.0", a}, {"ia3", "1.0.1", a}, {"ia3", "1.0.0", b}, {"ia3", "", b}} {
		if back.Admit(c.name, c.version, c.sum) == nil {
			t.Errorf("%v is admitted", c)
		}
	}
	if !back.Remove("ia3") || back.Remove("ia3") || len(back.Plugins) != 1 {
		t.Errorf("after the removal: %+v", back.Plugins)
	}
}

func TestLockMistakes(t *testing.T) {
	sum := strings.Repeat("a", 64)
	good := "format: 1\nplugins:\n- {name: a, source: s, version: 1.0.0, protocol: '1.0', sha256: {linux_amd64: " + sum + "}}\n"
	path := filepath.Join(t.TempDir(), "tunelab.lock")
	read := func(text string) error {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := ReadLock(path)
		return err
	}
	if err := read(good); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{"format: 1", "format: 2", "format"},
		{"name: a", "name: A b", "name"},
		{"version: 1.0.0", "version: latest", "version"},
		{"protocol: '1.0'", "protocol: new", "protocol"},
		{"source: s", "sources: s", "sources"},
		{"source: s", "source: s, constraint: newest", "constraint"},
		{"linux_amd64", "linux", "sha256"},
		{sum, sum[:63], "sha256"},
		{sum, strings.ToUpper(sum), "sha256"},
		{"plugins:", "plugins:\n" + strings.SplitAfter(good, "plugins:\n")[1], "twice"},
		{"{linux_amd64: " + sum + "}", "{}", "no digest"},
	} {
		err := read(strings.Replace(good, c.old, c.new, 1))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%q for %q: %v", c.new, c.old, err)
		}
	}
}
