//! Where a request comes from, when proxies stand in front.
//!
//! A proxy says for whom it asks in `X-Forwarded-For`, or in `Forwarded` (RFC 7239). Anybody can send these headers, so one is
//! read only where the peer is a proxy of `server.trusted_proxies`, and only the one that these proxies are said to write: what
//! a browser sends in the other one passes through many proxies unseen. Of what is listed the right-most address that is no
//! trusted proxy counts; what stands left of it was written by others. `X-Forwarded-Proto` and `X-Forwarded-Host` are never
//! read: what we are known as is configured.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use ipnet::IpNet;

use crate::config::ForwardedHeader;

/// Most proxies in a row.
const MOST_HOPS: usize = 32;

/// Proxies whose word is taken.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    trusted: Vec<IpNet>,
    header: ForwardedHeader,
}

impl Proxies {
    /// From `server.trusted_proxies` and `server.forwarded_header`.
    pub fn new(trusted: &[IpNet], header: ForwardedHeader) -> Self {
        Self {
            trusted: trusted.to_vec(),
            header,
        }
    }

    /// Whether an address is a trusted proxy's.
    pub fn trust(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|net| net.contains(&address))
    }

    /// Where a request of this peer comes from.
    pub fn origin(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut origin = peer.to_canonical();
        let hops = match self.header {
            ForwardedHeader::XForwardedFor => listed(headers, "x-forwarded-for", whole),
            ForwardedHeader::Forwarded => listed(headers, "forwarded", for_of),
        };
        for hop in hops.into_iter().rev().take(MOST_HOPS) {
            if !self.trust(origin) {
                break;
            }
            // What cannot be read was not written by a proxy of ours, nor was what stands before it.
            let Some(address) = hop else { break };
            origin = address;
        }
        origin
    }
}

/// Addresses in the order in which they are listed, over all headers of the name; `None` for what is none.
fn listed(headers: &HeaderMap, name: &str, read: fn(&str) -> Option<&str>) -> Vec<Option<IpAddr>> {
    let mut hops = Vec::new();
    for value in headers.get_all(name) {
        let Ok(text) = value.to_str() else {
            hops.push(None);
            continue;
        };
        hops.extend(text.split(',').map(|hop| read(hop).and_then(address)));
    }
    hops
}

/// An element of `X-Forwarded-For` is an address and nothing else.
fn whole(element: &str) -> Option<&str> {
    Some(element)
}

/// The value of `for` in one element of `Forwarded`.
fn for_of(element: &str) -> Option<&str> {
    element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then_some(value)
    })
}

/// `192.0.2.1`, `2001:db8::1`, `[2001:db8::1]`, each with or without a port and quotes.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let bare = text.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let found = bare.unwrap_or(text).parse::<IpAddr>().ok();
    let found = found.or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()));
    found.map(|address| address.to_canonical())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    const X: &str = "x-forwarded-for";

    fn origin(header: ForwardedHeader, peer: &str, all: &[(&'static str, &str)]) -> String {
        let trusted = ["192.0.2.0/24", "2001:db8:1::/48"].map(|net| net.parse().unwrap());
        let mut headers = HeaderMap::new();
        for (name, value) in all {
            headers.append(*name, value.parse().unwrap());
        }
        let proxies = Proxies::new(&trusted, header);
        proxies.origin(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn who_is_no_trusted_proxy_speaks_for_himself_alone() {
        for header in [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded] {
            let spoofed = [
                (X, "198.51.100.9"),
                ("forwarded", "for=198.51.100.9"),
                ("x-real-ip", "198.51.100.9"),
            ];
            for peer in ["203.0.113.5", "192.0.3.1", "2001:db8:2::1"] {
                assert_eq!(origin(header, peer, &spoofed), peer);
            }
        }
    }

    #[test]
    fn the_right_most_address_that_is_no_trusted_proxy_counts() {
        let of =
            |peer: &str, value: &str| origin(ForwardedHeader::XForwardedFor, peer, &[(X, value)]);
        let proxy = "192.0.2.10";
        assert_eq!(of(proxy, "203.0.113.5"), "203.0.113.5");
        // What the sender wrote himself stands left of what our proxy added.
        assert_eq!(of(proxy, "10.0.0.1, 203.0.113.5"), "203.0.113.5");
        assert_eq!(of(proxy, "192.0.2.7, 203.0.113.5"), "203.0.113.5");
        assert_eq!(
            of(proxy, "10.0.0.1, 203.0.113.5, 192.0.2.11"),
            "203.0.113.5"
        );
        assert_eq!(of("::ffff:192.0.2.10", "::ffff:203.0.113.5"), "203.0.113.5");
        assert_eq!(of("2001:db8:1::1", "[2001:db8:9::7]:4711"), "2001:db8:9::7");
        assert_eq!(of(proxy, "203.0.113.5:4711"), "203.0.113.5");
        // All of them ours: the first that asked.
        assert_eq!(of(proxy, "192.0.2.20, 192.0.2.11"), "192.0.2.20");
        assert_eq!(of(proxy, ""), proxy);
    }

    #[test]
    fn what_cannot_be_read_hides_nobody() {
        let of = |value: &str| origin(ForwardedHeader::XForwardedFor, "192.0.2.10", &[(X, value)]);
        assert_eq!(of("203.0.113.5, unknown"), "192.0.2.10");
        assert_eq!(of("203.0.113.5, _hidden, 192.0.2.11"), "192.0.2.11");
        assert_eq!(of("203.0.113.5; DROP TABLE"), "192.0.2.10");
        let two = [(X, "10.0.0.1"), (X, "203.0.113.5")];
        let header = ForwardedHeader::XForwardedFor;
        assert_eq!(origin(header, "192.0.2.10", &two), "203.0.113.5");
    }

    #[test]
    fn only_the_header_that_the_proxies_write_is_read() {
        let both = [
            (X, "10.0.0.1"),
            ("forwarded", "for=203.0.113.5;proto=https"),
        ];
        let of = |header| origin(header, "192.0.2.10", &both);
        assert_eq!(of(ForwardedHeader::XForwardedFor), "10.0.0.1");
        assert_eq!(of(ForwardedHeader::Forwarded), "203.0.113.5");
    }

    /// RFC 7239, 4 and 6.
    #[test]
    fn forwarded_is_read_as_its_standard_has_it() {
        let of = |value: &str| {
            let header = ForwardedHeader::Forwarded;
            origin(header, "192.0.2.10", &[("forwarded", value)])
        };
        assert_eq!(of("For=\"[2001:db8:cafe::17]:4711\""), "2001:db8:cafe::17");
        assert_eq!(
            of("for=192.0.2.60;proto=http;by=203.0.113.43"),
            "192.0.2.60"
        );
        assert_eq!(of("for=198.51.100.43, for=192.0.2.17"), "198.51.100.43");
        assert_eq!(of("for=198.51.100.17, for=\"_gazonk\""), "192.0.2.10");
        assert_eq!(of("proto=https"), "192.0.2.10");
    }
}
