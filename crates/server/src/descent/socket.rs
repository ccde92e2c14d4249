//! Which processes of this machine hold the other end of a TCP connection.

use std::fs;
use std::net::{IpAddr, SocketAddr};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Socket {
    pub(super) uid: u32,
    pub(super) inode: u64,
}

/// The socket at `theirs` that is connected to `ours`; `None`: it is gone.
pub(super) fn find(theirs: SocketAddr, ours: SocketAddr) -> Option<Socket> {
    ["/proc/net/tcp", "/proc/net/tcp6"].into_iter().find_map(|table| {
        let text = fs::read_to_string(table).ok()?;
        text.lines().skip(1).find_map(|line| entry(line, theirs, ours))
    })
}

/// `sl local_address rem_address st queues timer retrnsmt uid timeout inode`
fn entry(line: &str, theirs: SocketAddr, ours: SocketAddr) -> Option<Socket> {
    let fields: Vec<&str> = line.split_whitespace().take(10).collect();
    let [_, local, remote, _, _, _, _, uid, _, inode] = fields[..] else { return None };
    let is = |text: &str, wanted: SocketAddr| {
        address(text).is_some_and(|found| {
            found.port() == wanted.port() && found.ip().to_canonical() == wanted.ip().to_canonical()
        })
    };
    // Inode 0: a connection that nobody holds any more.
    let inode = inode.parse().ok().filter(|inode| *inode > 0)?;
    (is(local, theirs) && is(remote, ours)).then_some(Socket { uid: uid.parse().ok()?, inode })
}

/// `0100007F:1F90`: words of four bytes in the machine's order, then the port.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let mut bytes = Vec::with_capacity(16);
    for word in ip.as_bytes().chunks(8) {
        let word = u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()?;
        bytes.extend(word.to_ne_bytes());
    }
    let ip = match bytes.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?),
        16 => IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?),
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

/// Processes of this user that have this socket open.
pub(super) fn holders(inode: u64) -> Vec<u32> {
    let wanted = format!("socket:[{inode}]");
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &u32| {
        // Another user's cannot be looked into.
        let Ok(open) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
        open.flatten().any(|file| {
            fs::read_link(file.path()).is_ok_and(|target| target.as_os_str() == wanted.as_str())
        })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn the_process_at_the_other_end_is_found() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let ours = listener.local_addr().unwrap();
        let stream = TcpStream::connect(ours).unwrap();
        let theirs = stream.local_addr().unwrap();
        let found = find(theirs, ours).unwrap();
        assert_eq!(found.uid, crate::identity::our_uid());
        assert_eq!(holders(found.inode), [std::process::id()]);
        drop(stream);
        drop(listener);
        let nobody = find(theirs, ours).is_none_or(|found| holders(found.inode).is_empty());
        assert!(nobody);
    }

    #[test]
    fn addresses_are_read_as_the_kernel_writes_them() {
        if cfg!(target_endian = "little") {
            assert_eq!(address("0100007F:1F90"), Some("127.0.0.1:8080".parse().unwrap()));
            assert_eq!(
                address("00000000000000000000000001000000:0050"),
                Some("[::1]:80".parse().unwrap())
            );
        }
        assert_eq!(address("0100007F"), None);
        assert_eq!(address("x:1"), None);
    }
}
