package hub

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// settings is what the environment says.
type settings struct {
	cache    string // the hub's cache folder
	endpoint string // without a slash at the end
	token    string // "" for none
	offline  bool
}

func (o Options) settings() (settings, error) {
	env := o.Env
	if env == nil {
		env = os.Getenv
	}
	// first gives the first variable that is set, with ~ and $NAME resolved.
	first := func(names ...string) string {
		for _, n := range names {
			if v := env(n); v != "" {
				if v == "~" || strings.HasPrefix(v, "~/") {
					v = home(env) + v[1:]
				}
				return os.Expand(v, env)
			}
		}
		return ""
	}
	base := first("HF_HOME")
	if base == "" {
		cache := first("XDG_CACHE_HOME")
		if cache == "" {
			cache = filepath.Join(home(env), ".cache")
		}
		base = filepath.Join(cache, "huggingface")
	}
	s := settings{cache: first("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"), endpoint: strings.TrimRight(env("HF_ENDPOINT"), "/")}
	if s.cache == "" {
		s.cache = filepath.Join(base, "hub")
	}
	if s.endpoint == "" {
		s.endpoint = "https://huggingface.co"
	}
	s.offline = isTrue(env("HF_HUB_OFFLINE")) || isTrue(env("TRANSFORMERS_OFFLINE"))
	if isTrue(env("HF_HUB_DISABLE_IMPLICIT_TOKEN")) {
		return s, nil
	}
	s.token = cleanToken(env("HF_TOKEN"))
	if s.token == "" {
		s.token = cleanToken(env("HUGGING_FACE_HUB_TOKEN"))
	}
	if s.token != "" {
		return s, nil
	}
	file := first("HF_TOKEN_PATH")
	if file == "" {
		file = filepath.Join(base, "token")
	}
	raw, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	s.token = cleanToken(string(raw))
	return s, nil
}

func home(env func(string) string) string {
	if h := env("HOME"); h != "" {
		return h
	}
	h, _ := os.UserHomeDir()
	return h
}

func isTrue(v string) bool {
	switch strings.ToUpper(v) {
	case "1", "ON", "YES", "TRUE":
		return true
	}
	return false
}

func cleanToken(t string) string {
	return strings.TrimSpace(strings.NewReplacer("\r", "", "\n", "").Replace(t))
}
