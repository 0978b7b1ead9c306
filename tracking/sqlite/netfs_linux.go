package sqlite

import "golang.org/x/sys/unix"

// networkFileSystem names the network file system that dir lies on, by the
// magic numbers of statfs(2); "" for a local one.
func networkFileSystem(dir string) string {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return ""
	}
	return networkName(int64(st.Type))
}

func networkName(magic int64) string {
	switch uint32(magic) {
	case unix.NFS_SUPER_MAGIC:
		return "NFS"
	case unix.SMB_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC:
		return "SMB"
	case unix.AFS_SUPER_MAGIC, unix.AFS_FS_MAGIC:
		return "AFS"
	case unix.CEPH_SUPER_MAGIC:
		return "Ceph"
	case unix.NCP_SUPER_MAGIC:
		return "NCP"
	case unix.CODA_SUPER_MAGIC:
		return "Coda"
	case 0x0bd00bd0:
		return "Lustre"
	}
	return ""
}
