package sqlite

import "testing"

// The magic numbers are those of statfs(2).
func TestNetworkName(t *testing.T) {
	for magic, want := range map[int64]string{0x6969: "NFS", 0xff534d42: "SMB", -0xacb2be: "SMB", 0xfe534d42: "SMB", 0xef53: "", 0x01021994: ""} {
		if got := networkName(magic); got != want {
			t.Errorf("magic %#x: %q, want %q", magic, got, want)
		}
	}
}
