package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tunelab/tunelab/framework/plugin/host"
	"github.com/tunelab/tunelab/framework/plugin/service"
	"github.com/tunelab/tunelab/framework/plugin/trust"
	"github.com/tunelab/tunelab/framework/plugin/wire"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/tune/tiny"
)

func handshake(s *session) error {
	c, err := host.Launch(s.ctx, s.o.Binary, host.LaunchOptions{StartIn: s.o.Start, Features: service.Features})
	if err != nil {
		s.baseErr = err
		if spoke(err) {
			return nil // describe reports what it said
		}
		return err
	}
	defer c.Close()
	s.started, s.sha256, s.method, s.schema = true, c.SHA256, c.Method, c.Schema
	for _, k := range []string{spec.Classification, spec.Instruction, spec.Generation, spec.Preference} {
		if slices.Contains(s.method.Tasks, k) {
			s.kinds = append(s.kinds, k)
		}
	}
	return nil
}

// spoke tells a plugin that started and says what cannot be (no JSON, another
// schema, another name or version than its file has) from one that did not start.
func spoke(err error) bool {
	var protocol *host.ProtocolError
	var refused *host.RefusedError
	return errors.As(err, &refused) ||
		errors.As(err, &protocol) && (strings.Contains(err.Error(), "its description") || strings.Contains(err.Error(), "its schema"))
}

var (
	methodName = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	modeNames  = []string{spec.ModeGenerate, spec.ModeChoices, spec.ModeLabels, spec.ModeLogprobs, spec.ModeReward}
)

func describe(s *session) error {
	if !s.started {
		if spoke(s.baseErr) {
			return s.baseErr
		}
		return s.needs(false)
	}
	m := s.method
	var wrong []string
	add := func(bad bool, format string, args ...any) {
		if bad {
			wrong = append(wrong, fmt.Sprintf(format, args...))
		}
	}
	add(!methodName.MatchString(m.Name), "its name %q is not lower-case letters, digits and hyphens", m.Name)
	_, noVersion := trust.ParseVersion(m.Version)
	add(noVersion != nil, "its version %q is not semantic, as 1.0.0", m.Version)
	add(!slices.Contains(m.Protocols, wire.Protocol), "its protocols %v lack %d", m.Protocols, wire.Protocol)
	add(m.Summary == "" || m.Family == "", "its summary or family is empty")
	add(len(s.kinds) == 0 || len(s.kinds) != len(m.Tasks), "its task kinds %v are not all among classification, generation, instruction, preference", m.Tasks)
	add(len(m.Modes) == 0, "it answers in no mode")
	for _, x := range m.Modes {
		add(!slices.Contains(modeNames, x), "its mode %q is none of %v", x, modeNames)
	}
	for _, p := range s.schema.Params {
		add(p.Description == "", "its parameter %s has no description", p.Name)
	}
	_, ds := s.schema.Resolve("params", nil)
	if err := ds.Err(); err != nil {
		wrong = append(wrong, err.Error())
	}
	return together(wrong)
}

func together(wrong []string) error {
	if len(wrong) == 0 {
		return nil
	}
	return errors.New(strings.Join(wrong, "\n"))
}

func describeCommand(s *session) error {
	if err := s.needs(false); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(s.ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.o.Binary, "describe")
	var errOut strings.Builder
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if len(out) == 0 {
		return fmt.Errorf("it prints nothing to stdout (%v); to stderr: %q", err, strings.TrimSpace(errOut.String()))
	}
	var d struct {
		spec.Method
		Schema spec.Schema `json:"schema"`
	}
	if err := json.Unmarshal(out, &d); err != nil {
		return fmt.Errorf("what it prints is not JSON: %w", err)
	}
	a, errA := spec.Hash(d.Method)
	b, errB := spec.Hash(s.method)
	if err := errors.Join(errA, errB); err != nil {
		return err
	}
	if sum, err := spec.Hash(d.Schema); err != nil || a != b || sum != s.method.SchemaSHA256 {
		return errors.New("what it prints is not what it says over the protocol")
	}
	return nil
}

// badConfig gives each parameter values that its declaration forbids.
func badConfig(s *session) error {
	if err := s.needs(false); err != nil {
		return err
	}
	if len(s.kinds) == 0 {
		return notApplicable("it claims no kind of task that the kit has: see describe")
	}
	c, err := s.launch()
	if err != nil {
		return err
	}
	defer c.Close()
	var wrong []string
	try := func(name string, value any) error {
		params := s.short(nil)
		params = clone(params)
		params[name] = value
		in, err := s.given(task(s.kinds[0]), params)
		if err != nil {
			return err
		}
		ds, err := c.Validate(s.ctx, in)
		if err != nil {
			return fmt.Errorf("params.%s = %v: the call failed in place of a diagnostic: %w", name, value, err)
		}
		for _, d := range ds {
			if d.Severity != "warning" && (d.Path == "params."+name || strings.HasPrefix(d.Path, "params."+name+"[")) && d.Summary != "" {
				return nil
			}
		}
		wrong = append(wrong, fmt.Sprintf("params.%s = %v is not refused under that path: %v", name, value, ds))
		return nil
	}
	if err := try("no_such_parameter", 1); err != nil {
		return err
	}
	for _, p := range s.schema.Params {
		for _, v := range forbidden(p) {
			if err := try(p.Name, v); err != nil {
				return err
			}
		}
	}
	if len(wrong) > 5 {
		wrong = append(wrong[:5], fmt.Sprintf("and %d more", len(wrong)-5))
	}
	return together(wrong)
}

func clone(m map[string]any) map[string]any {
	out := make(map[string]any, len(m)+1)
	for k, v := range m {
		out[k] = v
	}
	return out
}

// forbidden are values that a parameter's declaration rules out.
func forbidden(p spec.Param) (out []any) {
	switch p.Type {
	case "int":
		out = append(out, "many", 1.5)
	case "float":
		out = append(out, "much")
	case "bool":
		out = append(out, "perhaps")
	case "string", "strings":
		out = append(out, 7)
	}
	if p.Min != nil {
		out = append(out, math.Floor(*p.Min)-1)
	}
	if p.Max != nil {
		out = append(out, math.Ceil(*p.Max)+1)
	}
	if len(p.Choices) > 0 {
		out = append(out, "none of the choices")
	}
	return out
}

func data(kind string) *tiny.Data {
	d := task(kind)
	return &d
}
