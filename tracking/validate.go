package tracking

import (
	"encoding/json"
	"path"
	"slices"
	"strconv"
	"strings"
)

// The Validate functions check what a Store is asked to write, so that every
// Store refuses the same requests with the same words. Each returns an Invalid
// error that names the field.

// Validate checks a new run.
func (r NewRun) Validate() error {
	if s := r.Run.Status; s != "" && s != Pending {
		return Errorf(Invalid, "run.status: %q; a new run is %q, then SetStatus moves it", s, Pending)
	}
	if err := required(field{"run.experiment", r.Run.Experiment}, field{"run.method", r.Run.Method}); err != nil {
		return err
	}
	if id := r.Run.ID; id != "" && (len(id) > 64 || strings.Trim(id, "0123456789abcdefghijklmnopqrstuvwxyz-") != "") {
		return Errorf(Invalid, "run.id: %q; use at most 64 of a-z, 0-9 and -, or leave it empty", id)
	}
	if err := validJSON(field{"run.spec", string(r.Run.SpecJSON)}, field{"run.machine", string(r.Run.Machine)},
		field{"run.named_seeds", string(r.Run.NamedSeeds)}, field{"run.cost", string(r.Run.Cost)}); err != nil {
		return err
	}
	if h := r.Run.SpecHash; h != "" && !IsSHA256(h) {
		return notSHA256("run.spec_hash", h)
	}
	seen := map[string]bool{}
	for i, p := range r.Params {
		at := index("params", i)
		if err := required(field{at + ".key", p.Key}, field{at + ".value", string(p.Value)}); err != nil {
			return err
		}
		if seen[p.Key] {
			return Errorf(Invalid, "%s.key: %q is given twice; give each parameter once", at, p.Key)
		}
		seen[p.Key] = true
		if err := validJSON(field{at + ".value", string(p.Value)}); err != nil {
			return err
		}
	}
	for i, p := range r.Parents {
		at := index("parents", i)
		if err := required(field{at + ".parent", p.Parent}); err != nil {
			return err
		}
		if !p.Relation.Valid() {
			return Errorf(Invalid, "%s.relation: %q; it is one of initialised-from, tuned-from, stage-of, resumed-from, replay-of", at, p.Relation)
		}
		if slices.ContainsFunc(r.Parents[:i], func(q Parent) bool { return q.Parent == p.Parent && q.Relation == p.Relation }) {
			return Errorf(Invalid, "%s: %s %s is given twice", at, p.Relation, p.Parent)
		}
	}
	return nil
}

// Validate checks an update's JSON fields.
func (u RunUpdate) Validate() error {
	return validJSON(field{"machine", string(u.Machine)}, field{"named_seeds", string(u.NamedSeeds)}, field{"cost", string(u.Cost)})
}

// AfterEnd reports whether u changes only what may change after a run's end.
func (u RunUpdate) AfterEnd() bool {
	return len(u.Hashes) == 0 && u.CodeVersion == nil && u.Machine == nil && u.NamedSeeds == nil &&
		u.Unlocked == nil && u.NotReplayable == nil && u.Cost == nil
}

// ValidateMetrics checks a batch.
func ValidateMetrics(ms []Metric) error {
	for i, m := range ms {
		at := index("metrics", i)
		if err := required(field{at + ".name", m.Name}); err != nil {
			return err
		}
		if m.Seq < 0 {
			return Errorf(Invalid, "%s.seq: %d; number from 1, or give 0 to have it numbered", at, m.Seq)
		}
	}
	return nil
}

// ValidateEvents checks a batch.
func ValidateEvents(es []Event) error {
	for i, e := range es {
		at := index("events", i)
		if err := required(field{at + ".kind", e.Kind}); err != nil {
			return err
		}
		if e.Seq < 0 {
			return Errorf(Invalid, "%s.seq: %d; number from 1, or give 0 to have it numbered", at, e.Seq)
		}
		switch e.Level {
		case "", "debug", "info", "warn", "error":
		default:
			return Errorf(Invalid, "%s.level: %q; it is one of debug, info, warn, error", at, e.Level)
		}
		if err := validJSON(field{at + ".data", string(e.Data)}); err != nil {
			return err
		}
	}
	return nil
}

// ValidatePredictions checks a batch.
func ValidatePredictions(ps []Prediction) error {
	for i, p := range ps {
		at := index("predictions", i)
		if err := required(field{at + ".task", p.Task}, field{at + ".split", p.Split},
			field{at + ".item_id", p.ItemID}, field{at + ".mode", p.Mode}); err != nil {
			return err
		}
		if err := validJSON(field{at + ".output", string(p.Output)}, field{at + ".detail", string(p.Detail)}); err != nil {
			return err
		}
	}
	return nil
}

// ValidateScores checks a batch.
func ValidateScores(ss []Score) error {
	for i, s := range ss {
		at := index("scores", i)
		if err := required(field{at + ".task", s.Task}, field{at + ".split", s.Split}, field{at + ".metric", s.Metric}); err != nil {
			return err
		}
		if s.N < 0 {
			return Errorf(Invalid, "%s.n: %d; it counts items", at, s.N)
		}
		if err := validJSON(field{at + ".detail", string(s.Detail)}); err != nil {
			return err
		}
	}
	return nil
}

// ValidateArtifacts checks a batch.
func ValidateArtifacts(as []ArtifactRef) error {
	for i, a := range as {
		at := index("artifacts", i)
		if a.Direction != In && a.Direction != Out {
			return Errorf(Invalid, "%s.direction: %q; it is %q or %q", at, a.Direction, In, Out)
		}
		if err := required(field{at + ".kind", a.Kind}); err != nil {
			return err
		}
		if err := ValidatePath(a.Path); err != nil {
			return Errorf(Invalid, "%s.path: %w", at, err)
		}
		if !IsSHA256(a.SHA256) {
			return notSHA256(at+".sha256", a.SHA256)
		}
		if a.Size < 0 {
			return Errorf(Invalid, "%s.size: %d; it counts bytes", at, a.Size)
		}
	}
	return nil
}

// ValidatePath checks that p is a relative path inside its folder, in its
// shortest form, with "/" between its parts.
func ValidatePath(p string) error {
	if p == "" || p == "." || path.IsAbs(p) || path.Clean(p) != p || p == ".." || strings.HasPrefix(p, "../") ||
		strings.ContainsAny(p, "\\\x00") {
		return Errorf(Invalid, "%q is not a relative path inside its folder; write it as name or folder/name", p)
	}
	return nil
}

// IsSHA256 reports whether s is 64 lower-case hexadecimal digits.
func IsSHA256(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}

func notSHA256(at, got string) error {
	return Errorf(Invalid, "%s: %q is not a SHA-256; give 64 lower-case hexadecimal digits", at, got)
}

type field struct{ path, value string }

func required(fs ...field) error {
	for _, f := range fs {
		if f.value == "" {
			return Errorf(Invalid, "%s: is empty; give it a value", f.path)
		}
	}
	return nil
}

func validJSON(fs ...field) error {
	for _, f := range fs {
		if f.value != "" && !json.Valid([]byte(f.value)) {
			return Errorf(Invalid, "%s: is not JSON: %.60q", f.path, f.value)
		}
	}
	return nil
}

func index(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }
