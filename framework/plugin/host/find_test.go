package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func touch(t *testing.T, dir string, names ...string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if err := os.WriteFile(filepath.Join(dir, n), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFindTakesTheFirstPlace(t *testing.T) {
	env, home, given, here := t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()
	t.Setenv("TUNELAB_PLUGIN_DIR", env)
	t.Setenv("HOME", home)
	t.Chdir(here)
	user, project := filepath.Join(home, ".tunelab", "plugins"), filepath.Join(here, ".tunelab", "plugins")
	touch(t, user, "tunelab-plugin-lora", "tunelab-plugin-head")
	touch(t, project, "tunelab-plugin-head")
	touch(t, env, "tunelab-plugin-icl", "readme.txt", "tunelab-plugin-sft_v0.9.0_p1.0_linux_amd64", "tunelab-plugin-sft_v1.0.0_p1.0_linux_amd64")
	if err := os.Mkdir(filepath.Join(env, "tunelab-plugin-cot"), 0o755); err != nil {
		t.Fatal(err)
	}
	touch(t, given, "tunelab-plugin-icl")
	for _, c := range []struct {
		name string
		o    FindOptions
		want string
	}{
		{"lora", FindOptions{}, filepath.Join(user, "tunelab-plugin-lora")},
		{"head", FindOptions{}, filepath.Join(project, "tunelab-plugin-head")},
		{"icl", FindOptions{}, filepath.Join(env, "tunelab-plugin-icl")},
		{"icl", FindOptions{Dirs: []string{given}}, filepath.Join(given, "tunelab-plugin-icl")},
		{"sft", FindOptions{}, filepath.Join(env, "tunelab-plugin-sft_v1.0.0_p1.0_linux_amd64")},
		{"any", FindOptions{Path: filepath.Join(env, "readme.txt")}, filepath.Join(env, "readme.txt")},
	} {
		got, err := Find(c.name, c.o)
		if real, e := filepath.EvalSymlinks(got); e == nil {
			got = real
		}
		want, e := filepath.EvalSymlinks(c.want)
		if err != nil || e != nil || got != want {
			t.Errorf("%s: found %q, %v; expected %q", c.name, got, err, c.want)
		}
	}
	if _, err := Find("cot", FindOptions{}); err == nil || !strings.Contains(err.Error(), env) || !strings.Contains(err.Error(), `"cot"`) {
		t.Errorf("a folder of that name is no plugin: %v", err)
	}
	if _, err := Find("icl", FindOptions{Path: filepath.Join(env, "none")}); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("an explicit path that is not there: %v", err)
	}
	if all := List(FindOptions{}); len(all) < 4 || all["head"] == "" || all["cot"] != "" || all["readme"] != "" {
		t.Errorf("listed %v", all)
	}
}
