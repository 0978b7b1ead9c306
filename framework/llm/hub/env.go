package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

const defaultEndpoint = "https://huggingface.co"

// settings is what the environment says.
type settings struct {
	cache    string // the hub's cache folder
	endpoint string // without a slash at the end
	token    string // "" for none
	offline  string // the variable that forbids the network, "" for none
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
		s.endpoint = defaultEndpoint
	}
	for _, name := range []string{"TRANSFORMERS_OFFLINE", "HF_HUB_OFFLINE"} {
		if isTrue(env(name)) {
			s.offline = name
		}
	}
	if err := checkEndpoint(s.endpoint); err != nil {
		return s, err
	}
	if isTrue(env("HF_HUB_DISABLE_IMPLICIT_TOKEN")) {
		return s, nil
	}
	for _, name := range []string{"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"} {
		if s.token = cleanToken(env(name)); s.token != "" {
			return s, checkToken(name, s.token)
		}
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
	return s, checkToken(file, s.token)
}

// checkEndpoint refuses what no request could be made with.
func checkEndpoint(address string) error {
	u, err := url.Parse(address)
	if err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.RawQuery == "" && u.Fragment == "" {
		return nil
	}
	if !strings.Contains(address, "://") {
		return fmt.Errorf("HF_ENDPOINT is %q, without http:// or https://: write https://%s, or unset it for %s", address, strings.TrimLeft(address, "/"), defaultEndpoint)
	}
	return fmt.Errorf("HF_ENDPOINT is %q, which is not the address of a mirror: write one like %s, or unset it", address, defaultEndpoint)
}

// checkToken refuses, without telling it, a token that no header can carry.
func checkToken(from, token string) error {
	for i, b := range []byte(token) {
		if b <= ' ' || b > '~' {
			return fmt.Errorf("the token of %s holds the byte 0x%02x after %d others, which no token has: set it again, as it is at %s/settings/tokens", from, b, i, defaultEndpoint)
		}
	}
	return nil
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
