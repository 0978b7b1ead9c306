package scaffold

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// The CI file is YAML, and what it runs are targets of the Makefile.
func TestCIRunsTargetsThatExist(t *testing.T) {
	dir := written(t, Adapter)
	raw, err := os.ReadFile(filepath.Join(dir, ".github", "workflows", "test.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var ci struct {
		Jobs map[string]struct {
			RunsOn string `yaml:"runs-on"`
			Steps  []struct{ Uses, Run string }
		}
	}
	if err := yaml.Unmarshal(raw, &ci); err != nil {
		t.Fatal(err)
	}
	var ran []string
	for name, job := range ci.Jobs {
		if job.RunsOn == "" || len(job.Steps) == 0 {
			t.Errorf("job %s has nothing to run, or nowhere: %+v", name, job)
		}
		for _, s := range job.Steps {
			if (s.Uses == "") == (s.Run == "") {
				t.Errorf("job %s has a step that is neither an action nor a command: %+v", name, s)
			}
			targets, ok := strings.CutPrefix(s.Run, "make ")
			if !ok {
				continue
			}
			for _, target := range strings.Fields(targets) {
				ran = append(ran, target)
				if out, err := run(dir, "--dry-run", target); err != nil {
					t.Errorf("make %s: %v\n%s", target, err, out)
				}
			}
		}
	}
	slices.Sort(ran)
	if want := []string{"checksums", "release", "test", "zig"}; !slices.Equal(ran, want) {
		t.Errorf("it runs %v, expected %v", ran, want)
	}
}

// program puts a shell script among the programs that a test finds.
func program(t *testing.T, dir, name, script string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
}

// A release builds what there is a compiler for, and names the rest. The
// compilers and the Go command are stand-ins here; the next test builds.
func TestReleaseNamesWhatItCannotBuild(t *testing.T) {
	real, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	found := t.TempDir()
	for _, tool := range []string{"sh", "make", "rm", "mkdir", "cat", "printenv", "sed", "sha256sum", "shasum"} {
		if at, err := exec.LookPath(tool); err == nil {
			if err := os.Symlink(at, filepath.Join(found, tool)); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Setenv("PATH", found) // and no compiler that this machine may have
	program(t, found, "go", `case "$1 $2" in
"env GOHOSTOS") echo linux ;;
"env GOHOSTARCH") echo amd64 ;;
"env CC") echo gcc ;;
"run .") printf '{\n  "name": "my-adapter",\n  "version": "0.1.0",\n  "protocol_minor": 1,\n  "x": 1\n}\n' ;;
env*) exec `+real+` "$@" ;;
build*) while test "$1" != -o; do shift; done; echo "$GOOS/$GOARCH by $CC, cgo $CGO_ENABLED" > "$2" ;;
esac
`)
	dir := written(t, Adapter)
	built := func() (out []string) {
		files, _ := filepath.Glob(filepath.Join(dir, "release", "tunelab-plugin-my-adapter_v0.1.0_p1.1_*"))
		for _, f := range files {
			raw, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, strings.TrimSpace(string(raw)))
		}
		return out
	}
	expect := func(got []string, want ...string) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("built %q, expected %q", got, want)
		}
	}
	out, err := run(dir, "release")
	if err != nil || !strings.Contains(out, "not built here, for want of a C compiler: darwin/amd64 darwin/arm64 linux/arm64\n") || !strings.Contains(out, "make zig") {
		t.Errorf("%v\n%s", err, out)
	}
	expect(built(), "linux/amd64 by gcc, cgo 1")

	out, err = run(dir, "release", "PLATFORMS=linux/amd64 linux/arm64")
	if err == nil || !strings.Contains(out, "want of a C compiler: linux/arm64\n") {
		t.Errorf("a platform that was asked for is missing, and make says %v\n%s", err, out)
	}

	program(t, found, "zig", "")
	if out, err = run(dir, "release", "PLATFORMS=linux/amd64 linux/arm64"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	expect(built(), "linux/amd64 by gcc, cgo 1", "linux/arm64 by "+filepath.Join(found, "zig")+" cc -target aarch64-linux-gnu, cgo 1")
	sums, err := os.ReadFile(filepath.Join(dir, "release", "SHA256SUMS"))
	if line := regexp.MustCompile(`(?m)^[0-9a-f]{64} [ *]tunelab-plugin-my-adapter_v0\.1\.0_p1\.1_linux_(amd64|arm64)$`); err != nil || len(line.FindAll(sums, -1)) != 2 {
		t.Errorf("checksums: %v\n%s", err, sums)
	}

	t.Setenv("CC_darwin_arm64", "o64-clang")
	cmd := exec.Command("sh", "release.sh", "darwin/arm64")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	expect(built(), "darwin/arm64 by o64-clang, cgo 1")
}

// A real release, for this machine and whatever else it can build for.
func TestReleaseBuilds(t *testing.T) {
	if os.Getenv("TUNELAB_LONG") == "" {
		t.Skip("it compiles everything anew: make test-all")
	}
	dir := written(t, Adapter)
	out, err := run(dir, "release")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	name := "tunelab-plugin-my-adapter_v0.1.0_p1.0_" + runtime.GOOS + "_" + runtime.GOARCH
	said, err := exec.Command(filepath.Join(dir, "release", name), "describe").Output()
	if err != nil || !strings.Contains(string(said), `"name": "my-adapter"`) {
		t.Errorf("%s describe: %v %s", name, err, said)
	}
}
