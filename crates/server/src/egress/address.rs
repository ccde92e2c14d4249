//! Which addresses the world outside has, and which belong to this machine and its neighbours.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where the hosts of clouds tell a machine its credentials. Never allowed, whatever a policy says:
/// nobody sends a notice there.
const METADATA: [IpAddr; 7] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Public,
    /// With what it is. A policy may allow it.
    Private(&'static str),
    /// With what it is. No policy allows it.
    Never(&'static str),
}

/// What an address is, also when it is dressed up as another: an IPv4 address inside an IPv6 one
/// is judged as what it leads to.
pub(super) fn place(address: IpAddr) -> Place {
    if METADATA.contains(&address) {
        return Place::Never("the metadata service of a cloud");
    }
    match address {
        IpAddr::V4(address) => v4(address),
        IpAddr::V6(address) => v6(address),
    }
}

fn v4(address: Ipv4Addr) -> Place {
    match address.octets() {
        [0, ..] => Place::Never("no address of a host"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Place::Private("private"),
        [100, 64..=127, ..] => Place::Private("shared by the customers of a provider"),
        [127, ..] => Place::Private("this machine"),
        [169, 254, ..] => Place::Private("link-local"),
        [192, 0, 0, _] | [192, 88, 99, _] => Place::Private("reserved for protocols"),
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => {
            Place::Private("reserved for documentation")
        }
        [198, 18..=19, ..] => Place::Private("reserved for measurements"),
        [224..=239, ..] => Place::Never("multicast"),
        [240..=255, ..] => Place::Never("reserved"),
        _ => Place::Public,
    }
}

fn v6(address: Ipv6Addr) -> Place {
    if address.is_unspecified() {
        return Place::Never("no address of a host");
    }
    if address.is_loopback() {
        return Place::Private("this machine");
    }
    let inner = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        place(IpAddr::V4(Ipv4Addr::new(a, b, c, d)))
    };
    match address.segments() {
        // Mapped (`::ffff:a.b.c.d`), translated (`::ffff:0:a.b.c.d`), compatible (`::a.b.c.d`).
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0, 0, 0, 0, 0, 0, high, low]
        // NAT64
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        // 6to4
        | [0x2002, high, low, ..] => inner(high, low),
        [0x64, 0xff9b, 1, ..] => Place::Private("a local translation to IPv4"),
        [0x100, 0, 0, 0, ..] => Place::Never("discarded"),
        // Teredo, ORCHID, benchmarking and what else is not for hosts.
        [0x2001, 0..=0x1ff, ..] => Place::Private("reserved for protocols"),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => {
            Place::Private("reserved for documentation")
        }
        // ISATAP: the last 32 bits are an IPv4 address, whatever the network is.
        [.., 0 | 0x200, 0x5efe, high, low] => inner(high, low),
        [0x2000..=0x3fff, ..] => Place::Public,
        [0xfc00..=0xfdff, ..] => Place::Private("unique-local"),
        [0xfe80..=0xfebf, ..] => Place::Private("link-local"),
        [0xfec0..=0xfeff, ..] => Place::Private("site-local"),
        [0xff00..=0xffff, ..] => Place::Never("multicast"),
        _ => Place::Never("reserved"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Place {
        place(text.parse().unwrap())
    }

    #[test]
    fn the_world_outside_is_public() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2a00:1450:4001:80e::200e",
            "::ffff:8.8.8.8",
            "::ffff:0:8.8.8.8",
            "::8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
            "2a00::5efe:8.8.8.8",
        ] {
            assert_eq!(of(text), Place::Public, "{text}");
        }
    }

    #[test]
    fn neighbours_need_a_permission_in_every_form_of_their_address() {
        for text in [
            "10.0.0.1",
            "10.255.255.255",
            "172.16.0.0",
            "172.31.255.255",
            "192.168.0.1",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.0.1",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "::1",
            "fc00::1",
            "fdff:ffff::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "2001::1",
            "2001:0:808:808::1",
            "2001:20::1",
            "2001:db8::1",
            "3fff::1",
            "64:ff9b:1::1",
            // an IPv4 address in other clothes
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:0:127.0.0.1",
            "::127.0.0.1",
            "::ffff:192.168.1.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::10.1.2.3",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "2002:c0a8:101::1",
            "2a00::5efe:127.0.0.1",
            "2a00::200:5efe:10.0.0.1",
        ] {
            assert!(matches!(of(text), Place::Private(_)), "{text}: {:?}", of(text));
        }
    }

    #[test]
    fn some_addresses_are_for_nobody() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "169.254.169.254",
            "169.254.170.2",
            "100.100.100.200",
            "168.63.129.16",
            "fd00:ec2::254",
            "::",
            "ff02::1",
            "100::1",
            "4000::1",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "::ffff:0.0.0.0",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::",
            "2a00::5efe:169.254.169.254",
            "2002:e000:1::",
        ] {
            assert!(matches!(of(text), Place::Never(_)), "{text}: {:?}", of(text));
        }
    }
}
