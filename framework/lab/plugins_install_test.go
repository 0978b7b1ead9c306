package lab

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tunelab/tunelab/framework/plugin/host"
	"github.com/tunelab/tunelab/framework/plugin/testplugins"
	"github.com/tunelab/tunelab/framework/plugin/trust"
)

// counterFile is the file name that the counter plugin is released under.
var counterFile = "tunelab-plugin-counter_v1.0.0_p1.0_" + trust.Platform()

// release is a folder with the counter plugin under a name, its digest, and an
// empty working folder that the test is in.
func release(t *testing.T, name string) (file, sum string) {
	t.Helper()
	t.Setenv("TUNELAB_PLUGIN_DIR", "")
	t.Setenv("TUNELAB_LOCK", "")
	t.Setenv("HOME", t.TempDir())
	t.Chdir(t.TempDir())
	raw, err := os.ReadFile(testplugins.Path(plugins, testplugins.Counter))
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	sum, err = host.FileSum(file)
	if err != nil {
		t.Fatal(err)
	}
	return file, sum
}

// untouched demands that nothing was installed in the working folder.
func untouched(t *testing.T, what string) {
	t.Helper()
	left, _ := filepath.Glob(".tunelab/plugins/*")
	hidden, _ := filepath.Glob(".tunelab/plugins/.*")
	if _, err := os.Stat("tunelab.lock"); err == nil || len(left)+len(hidden) > 0 {
		t.Errorf("%s: left %v %v and a lock file: %v", what, left, hidden, err == nil)
	}
}

func TestInstallAndRemove(t *testing.T) {
	file, sum := release(t, counterFile)
	in, err := InstallPlugin(t.Context(), Install{Source: file, SHA256: strings.ToUpper(sum), Constraint: "^1.0.0"})
	if err != nil {
		t.Fatal(err)
	}
	e := in.Entry
	if in.Path != filepath.Join(".tunelab", "plugins", counterFile) || e.Version != "1.0.0" || e.Protocol != "1.0" || e.Source != counterFile || e.Constraint != "^1.0.0" || e.SHA256[trust.Platform()] != sum {
		t.Errorf("installed %+v", in)
	}
	f, err := host.Find(testplugins.Counter, host.FindOptions{})
	if err != nil || f.State != host.Locked || f.Place != host.PlaceProject {
		t.Errorf("found %+v, %v", f, err)
	}
	if _, err := InstallPlugin(t.Context(), Install{Source: file, SHA256: sum}); err != nil {
		t.Errorf("the same once more: %v", err)
	}

	// The same version with other bytes.
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(raw, 0), 0o644); err != nil {
		t.Fatal(err)
	}
	other, err := host.FileSum(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := InstallPlugin(t.Context(), Install{Source: file, SHA256: other}); err == nil || !strings.Contains(err.Error(), "--force") {
		t.Errorf("another digest: %v", err)
	}
	if now, err := host.FileSum(in.Path); err != nil || now != sum {
		t.Errorf("the installed file changed: %s, %v", now, err)
	}
	if err := os.Remove("tunelab.lock"); err != nil { // the file alone is not replaced either
		t.Fatal(err)
	}
	if _, err := InstallPlugin(t.Context(), Install{Source: file, SHA256: other}); err == nil || !strings.Contains(err.Error(), "--force") {
		t.Errorf("another digest without a lock: %v", err)
	}
	if _, err := InstallPlugin(t.Context(), Install{Source: file, SHA256: other, Force: true}); err != nil {
		t.Errorf("forced: %v", err)
	}
	if f, err := host.Find(testplugins.Counter, host.FindOptions{}); err != nil || f.Pinned() != other {
		t.Errorf("after the forced one: %+v, %v", f, err)
	}

	removed, err := RemovePlugin(testplugins.Counter, false, "")
	if err != nil || len(removed) != 1 {
		t.Errorf("removed %v, %v", removed, err)
	}
	if _, err := host.Find(testplugins.Counter, host.FindOptions{Unlocked: true}); err == nil {
		t.Error("it is still found")
	}
	if _, err := RemovePlugin(testplugins.Counter, false, ""); err == nil || !strings.Contains(err.Error(), "no plugin") {
		t.Errorf("removed twice: %v", err)
	}
}

func TestInstallRefuses(t *testing.T) {
	zero := strings.Repeat("0", 64)
	for _, c := range []struct {
		what, file string
		in         func(*Install)
		want       string
	}{
		{"no digest", counterFile, func(in *Install) { in.SHA256 = "abc" }, "64 hexadecimal"},
		{"wrong digest", counterFile, func(in *Install) { in.SHA256 = zero }, "nothing of it was run"},
		{"no version in the name", "tunelab-plugin-counter", func(*Install) {}, "--name-from-describe"},
		{"no plugin's name", "counter.bin", func(*Install) {}, "--name-from-describe"},
		{"another version than it says", strings.Replace(counterFile, "1.0.0", "1.1.0", 1), func(*Install) {}, "version 1.1.0"},
		{"another name than it says", strings.Replace(counterFile, "counter", "misnamed", 1), func(*Install) {}, `"other"`},
		{"another platform", "tunelab-plugin-counter_v1.0.0_p1.0_plan9_mips", func(*Install) {}, "plan9_mips"},
		{"another protocol", strings.Replace(counterFile, "p1.0", "p2.0", 1), func(*Install) {}, "protocol 2"},
		{"a newer minor protocol", strings.Replace(counterFile, "p1.0", "p1.99", 1), func(*Install) {}, "needs plugin protocol 1.99 and this tunelab speaks 1.1: update tunelab"},
		{"outside the constraint", counterFile, func(in *Install) { in.Constraint = "^2.0.0" }, "--constraint"},
		{"a constraint that is none", counterFile, func(in *Install) { in.Constraint = "newest" }, "newest"},
		{"no such file", counterFile, func(in *Install) { in.Source += "x" }, "no such file"},
		{"a plugin that breaks", strings.Replace(counterFile, "counter", "exits", 1), func(*Install) {}, "no licence found"},
		{"a name that is none", "tunelab-plugin-prints", func(in *Install) { in.NameFromDescribe = true }, "hello from a library"},
	} {
		t.Run(c.what, func(t *testing.T) {
			file, sum := release(t, c.file)
			in := Install{Source: file, SHA256: sum}
			c.in(&in)
			if got, err := InstallPlugin(t.Context(), in); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%+v, %v; expected %q", got, err, c.want)
			}
			untouched(t, c.what)
		})
	}
}

// Nothing is run whose digest is wrong, not even to ask its name.
func TestInstallRunsNothingUnchecked(t *testing.T) {
	_, sum := release(t, counterFile)
	file, ran := filepath.Join(t.TempDir(), counterFile), filepath.Join(t.TempDir(), "ran")
	if err := os.WriteFile(file, []byte("#!/bin/sh\ntouch "+ran+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, in := range []Install{{}, {NameFromDescribe: true}, {Force: true}} {
		in.Source, in.SHA256 = file, sum
		if _, err := InstallPlugin(t.Context(), in); err == nil {
			t.Error("it is taken")
		}
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("it was run")
	}
}

// Whatever fails at the very end, what was installed stays as it was.
func TestInstallThatCannotWriteTheLock(t *testing.T) {
	file, sum := release(t, counterFile)
	nowhere := "/dev/fd/tunelab.lock" // a folder in which no file can be made
	if _, err := InstallPlugin(t.Context(), Install{Source: file, SHA256: sum, Lock: nowhere}); err == nil || !strings.Contains(err.Error(), "write the lock file") {
		t.Errorf("got %v", err)
	}
	untouched(t, "a first install")
	in, err := InstallPlugin(t.Context(), Install{Source: file, SHA256: sum})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(raw, 0), 0o644); err != nil {
		t.Fatal(err)
	}
	other, err := host.FileSum(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := InstallPlugin(t.Context(), Install{Source: file, SHA256: other, Force: true, Lock: nowhere}); err == nil || !strings.Contains(err.Error(), "write the lock file") {
		t.Errorf("forced: %v", err)
	}
	if now, err := host.FileSum(in.Path); err != nil || now != sum {
		t.Errorf("the binary that was there is now %s, %v", now, err)
	}
	if left, _ := filepath.Glob(".tunelab/plugins/*"); len(left) != 1 {
		t.Errorf("left %v", left)
	}
	if f, err := host.Find(testplugins.Counter, host.FindOptions{}); err != nil || f.Pinned() != sum {
		t.Errorf("found %+v, %v", f, err)
	}
}

// Installs at once lose no entry of each other.
func TestInstallsAtOnce(t *testing.T) {
	release(t, counterFile)
	var all sync.WaitGroup
	names := []string{testplugins.Counter, testplugins.Chain, testplugins.Slow}
	for _, name := range names {
		raw, err := os.ReadFile(testplugins.Path(plugins, name))
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), strings.Replace(counterFile, testplugins.Counter, name, 1))
		if err := os.WriteFile(file, raw, 0o644); err != nil {
			t.Fatal(err)
		}
		sum, err := host.FileSum(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			if _, err := InstallPlugin(t.Context(), Install{Source: file, SHA256: sum}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, name := range names {
		if f, err := host.Find(name, host.FindOptions{}); err != nil || f.State != host.Locked {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
}

func TestInstallNamedByItself(t *testing.T) {
	file, sum := release(t, "counter")
	t.Setenv("TUNELAB_LOCK", filepath.Join(t.TempDir(), "team.lock"))
	in, err := InstallPlugin(t.Context(), Install{Source: file, SHA256: sum, NameFromDescribe: true, User: true})
	home, _ := os.UserHomeDir()
	if err != nil || in.Path != filepath.Join(home, ".tunelab", "plugins", counterFile) || in.Lock != os.Getenv("TUNELAB_LOCK") {
		t.Fatalf("%+v, %v", in, err)
	}
	if f, err := host.Find(testplugins.Counter, host.FindOptions{}); err != nil || f.Place != host.PlaceUser || f.State != host.Locked {
		t.Errorf("found %+v, %v", f, err)
	}
}

// The minor protocol that a plugin says it needs stands in the name and in the
// lock.
func TestInstallTellsTheMinorProtocol(t *testing.T) {
	_, sum := release(t, counterFile) // one binary under many names
	in, err := InstallPlugin(t.Context(), Install{Source: testplugins.Path(plugins, testplugins.Asking), SHA256: sum, NameFromDescribe: true})
	if want := "tunelab-plugin-asking_v1.0.0_p1.1_" + trust.Platform(); err != nil || filepath.Base(in.Path) != want || in.Entry.Protocol != "1.1" {
		t.Errorf("%+v, %v; expected %s", in, err, want)
	}
}

func TestInstallKeepsOtherPlatforms(t *testing.T) {
	file, sum := release(t, counterFile)
	lock, err := trust.ReadLock("tunelab.lock")
	if err != nil {
		t.Fatal(err)
	}
	theirs := strings.Repeat("9", 64)
	for _, c := range []struct {
		version string
		kept    int
	}{{"1.0.0", 2}, {"0.9.0", 1}} { // another version's digests go with it
		lock.Put(trust.Entry{Name: testplugins.Counter, Source: "s", Version: c.version, Protocol: "1.0", SHA256: map[string]string{"plan9_mips": theirs}})
		if err := lock.Write(); err != nil {
			t.Fatal(err)
		}
		in, err := InstallPlugin(t.Context(), Install{Source: file, SHA256: sum})
		if err != nil || len(in.Entry.SHA256) != c.kept || in.Entry.SHA256[trust.Platform()] != sum {
			t.Errorf("over version %s: %+v, %v", c.version, in, err)
		}
	}
}

func TestInstallFromAServer(t *testing.T) {
	file, sum := release(t, counterFile)
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/good/", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(raw) })
	mux.HandleFunc("/moved/", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/good/"+counterFile, http.StatusFound)
	})
	mux.HandleFunc("/wrong/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "a captive portal") })
	mux.HandleFunc("/cut/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(raw)))
		_, _ = w.Write(raw[:len(raw)/2])
		panic(http.ErrAbortHandler)
	})
	mux.HandleFunc("/huge/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(int64(fetchMost)+1))
		w.WriteHeader(http.StatusOK)
	})
	mux.HandleFunc("/scheme/", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://127.0.0.1:1/"+counterFile, http.StatusFound)
	})
	mux.HandleFunc("/away/", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://plugins.example/"+counterFile, http.StatusFound)
	})
	mux.HandleFunc("/round/", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) })
	mux.HandleFunc("/private/", func(w http.ResponseWriter, r *http.Request) {
		if user, pass, _ := r.BasicAuth(); user != "me" || pass != "secret" || r.URL.Query().Get("token") != "secret" {
			http.Error(w, "who?", http.StatusUnauthorized)
			return
		}
		_, _ = w.Write(raw)
	})
	mux.HandleFunc("/signed/", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://127.0.0.1:1/"+counterFile+"?signature=secret", http.StatusFound)
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()
	srv.Config.ErrorLog = nil
	for _, c := range []struct{ url, want string }{
		{srv.URL + "/wrong/" + counterFile, "nothing of it was run"},
		{srv.URL + "/cut/" + counterFile, "unexpected EOF"},
		{srv.URL + "/huge/" + counterFile, "larger than 1024 MiB"},
		{srv.URL + "/scheme/" + counterFile, "redirects from http to https"},
		{srv.URL + "/away/" + counterFile, "only https"},
		{srv.URL + "/round/" + counterFile, "ten times"},
		{srv.URL + "/none/" + counterFile, "404"},
		{srv.URL, "names no file"},
		{"http://plugins.example/" + counterFile, "only https"},
		{"ftp://127.0.0.1/" + counterFile, "only https"},
	} {
		if in, err := InstallPlugin(t.Context(), Install{Source: c.url, SHA256: sum}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %+v, %v; expected %q", c.url, in, err, c.want)
		}
		untouched(t, c.url)
	}
	private := strings.Replace(srv.URL, "http://", "http://me:secret@", 1)
	for _, u := range []string{private + "/none/" + counterFile + "?token=secret#secret", private + "/wrong/" + counterFile + "?token=secret", private + "/signed/" + counterFile,
		strings.Replace(private, "127.0.0.1", "plugins.example", 1) + "/" + counterFile + "?token=secret", "http://me:secret@%zz/secret", "https://me:secret@127.0.0.1:x/secret"} {
		if _, err := InstallPlugin(t.Context(), Install{Source: u, SHA256: sum}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error tells the secret: %v", u, err)
		}
	}
	in, err := InstallPlugin(t.Context(), Install{Source: private + "/private/" + counterFile + "?token=secret#secret", SHA256: sum})
	if lock, readErr := os.ReadFile("tunelab.lock"); err != nil || readErr != nil || strings.Contains(string(lock), "secret") || in.Entry.Source != srv.URL+"/private/"+counterFile {
		t.Errorf("%+v, %v; the lock:\n%s", in, err, lock)
	}
	url := srv.URL + "/moved/" + counterFile
	in, err = InstallPlugin(t.Context(), Install{Source: url, SHA256: sum})
	if err != nil || in.Entry.Source != url || filepath.Base(in.Path) != counterFile {
		t.Errorf("%+v, %v", in, err)
	}
}
