package host

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/plugin/testplugins"
	"github.com/tunelab/tunelab/framework/plugin/trust"
	"github.com/tunelab/tunelab/framework/spec"
)

func TestLimits(t *testing.T) {
	if runtime.GOOS != "linux" {
		_, err := Launch(t.Context(), testplugins.Path(plugins, testplugins.Counter), LaunchOptions{Limits: spec.Limits{CPUSeconds: 1}})
		if err == nil || !strings.Contains(err.Error(), "Linux") {
			t.Fatalf("limits that cannot be set: %v", err)
		}
		return
	}
	for _, c := range []struct {
		fault string
		l     spec.Limits
		field string
	}{
		{"busy", spec.Limits{CPUSeconds: 1}, limitCPU},
		{"reserve", spec.Limits{AddressSpaceBytes: 4 << 30}, limitSpace},
		{"files", spec.Limits{OpenFiles: 40}, limitFiles},
		{"", spec.Limits{CPUSeconds: 60, AddressSpaceBytes: 4 << 30, OpenFiles: 40}, ""}, // a good run fits
	} {
		t.Run(c.fault, func(t *testing.T) {
			ownTemp(t)
			cl := launch(t, testplugins.Counter, LaunchOptions{Limits: c.l})
			done, err := cl.Run(t.Context(), input(t, map[string]any{"fault": c.fault}), File{}, ignore)
			var e *LimitError
			if c.field == "" {
				if err != nil || done.State != "finished" {
					t.Fatalf("%+v, %v", done, err)
				}
				return
			}
			if !errors.As(err, &e) || e.Limit != c.field || !strings.Contains(err.Error(), "budget.limits."+c.field) {
				t.Fatalf("%+v, %v", done, err)
			}
		})
	}
	for _, c := range []struct {
		l     spec.Limits
		field string
	}{
		{spec.Limits{AddressSpaceBytes: 32 << 20}, limitSpace}, // it says so, or faults without a word
		{spec.Limits{OpenFiles: 8}, limitFiles},
	} {
		t.Run("too little to start: "+c.field, func(t *testing.T) {
			ownTemp(t)
			cl, err := Launch(t.Context(), testplugins.Path(plugins, testplugins.Counter), LaunchOptions{Limits: c.l})
			if err == nil {
				cl.Close()
				t.Fatal("it started")
			}
			if !strings.Contains(err.Error(), "budget.limits."+c.field) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestLaunchInsistsOnTheDigest(t *testing.T) {
	ownTemp(t)
	path := testplugins.Path(t.TempDir(), testplugins.Counter)
	ran := filepath.Join(t.TempDir(), "ran")
	if err := os.WriteFile(path, []byte("#!/bin/sh\ntouch "+ran+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	sum, err := FileSum(testplugins.Path(plugins, testplugins.Counter))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Launch(t.Context(), path, LaunchOptions{Name: testplugins.Counter, SHA256: sum})
	var r *RefusedError
	if !errors.As(err, &r) || !strings.Contains(err.Error(), "replaced the file") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("the replaced binary was run")
	}
	c := launch(t, testplugins.Counter, LaunchOptions{SHA256: sum})
	if c.SHA256 != sum {
		t.Errorf("launched %s", c.SHA256)
	}
}

func TestDescriptionMustAgreeWithTheFileName(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"counter_v1.0.0_p1.0_", ""},
		{"counter_v1.2.0_p1.0_", "version 1.2.0"},
		{"counter_v1.0.0_p3.0_", "protocol 3"},
		{"counter_v1.0.0_p1.1_", "needing 1.0"},
		{"misnamed_v1.0.0_p1.0_", `"misnamed"`},
	} {
		ownTemp(t)
		path := testplugins.Path(t.TempDir(), c.name+trust.Platform())
		if err := os.Symlink(testplugins.Path(plugins, testplugins.Counter), path); err != nil {
			t.Fatal(err)
		}
		cl, err := Launch(context.Background(), path, LaunchOptions{})
		if err == nil {
			cl.Close()
		}
		var r *RefusedError
		if c.want == "" && err != nil || c.want != "" && (!errors.As(err, &r) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
