//! Where a request comes from: the client's address and whether its connection is protected, as far as that can be
//! believed. What a request says of itself counts only when a proxy that the operator trusts handed it over.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName, Uri, header};
use ipnet::IpNet;

use crate::core::Client;

/// The host that a request is for, with its port if the client wrote one.
pub fn host<'r>(uri: &'r Uri, headers: &'r HeaderMap) -> Option<&'r str> {
    let authority = uri.authority().map(|authority| authority.as_str());
    let host = headers.get(header::HOST);
    authority.or_else(|| host.and_then(|host| host.to_str().ok()))
}

/// Where a request comes from. Every request over HTTP carries one among its extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The client's address; none on a Unix socket.
    pub address: Option<IpAddr>,
    /// Whether the client's connection is inside TLS.
    pub secure: bool,
}

impl Origin {
    /// The client, as the core counts it.
    pub fn client(&self) -> Client {
        self.address.map_or(Client::UNKNOWN, Client::of)
    }
}

/// Reads addresses and networks such as `127.0.0.1` and `10.0.0.0/8`. Nothing if one of them is neither.
pub fn networks(list: &[String]) -> Option<Vec<IpNet>> {
    let network = |item: &String| {
        let network = item.parse::<IpNet>().ok();
        network.or_else(|| item.parse::<IpAddr>().ok().map(IpNet::from))
    };
    list.iter().map(network).collect()
}

/// The proxies whose word about a request's origin is taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    networks: Vec<IpNet>,
    unix: bool,
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

impl Proxies {
    /// Reads addresses and networks such as `127.0.0.1` and `10.0.0.0/8`, and `unix` for whoever comes by the Unix
    /// socket. Nothing if one of them is none of these.
    pub fn parse(list: &[String]) -> Option<Self> {
        let mut proxies = Self::default();
        for item in list {
            if item == "unix" {
                proxies.unix = true;
                continue;
            }
            let network = item.parse::<IpNet>().ok();
            let network = network.or_else(|| item.parse::<IpAddr>().ok().map(IpNet::from));
            proxies.networks.push(network?);
        }
        Some(proxies)
    }

    fn trusts(&self, address: Option<IpAddr>) -> bool {
        match address {
            None => self.unix,
            Some(address) => self
                .networks
                .iter()
                .any(|n| n.contains(&address.to_canonical())),
        }
    }

    /// The origin of a request that came directly from `direct` with these headers.
    ///
    /// The proxies add to the right, so the list is read from there, up to the first hop that is not trusted: what
    /// stands further left is the client's own invention. `Forwarded` (RFC 7239) goes before `X-Forwarded-For`.
    pub fn origin(&self, direct: Origin, headers: &HeaderMap) -> Origin {
        let mut origin = direct;
        if !self.trusts(origin.address) {
            return origin;
        }
        let hops = match headers.contains_key(header::FORWARDED) {
            true => values(headers, &header::FORWARDED).map(forwarded).collect(),
            false => legacy(headers),
        };
        for hop in hops.into_iter().rev() {
            if let Some(secure) = hop.secure {
                origin.secure = secure;
            }
            let Some(address) = hop.address else {
                // Hidden or unreadable: all that is known is the proxy.
                return origin;
            };
            origin.address = Some(address);
            if !self.trusts(origin.address) {
                return origin;
            }
        }
        origin
    }
}

/// What one proxy says of its client.
#[derive(Debug, Default, PartialEq, Eq)]
struct Hop {
    address: Option<IpAddr>,
    secure: Option<bool>,
}

/// The items of a header that may come several times and holds a list each time.
fn values<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'a str> + use<'a> {
    let lines = headers.get_all(name).iter();
    lines.flat_map(|line| line.to_str().unwrap_or_default().split(','))
}

/// One element of `Forwarded`. A comma inside quotes cuts it in two that cannot be read, which hides the address.
fn forwarded(element: &str) -> Hop {
    let mut hop = Hop::default();
    for pair in element.split(';') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = value.trim().trim_matches('"');
        match name.trim().to_ascii_lowercase().as_str() {
            "for" => hop.address = address(value),
            "proto" => hop.secure = Some(value.eq_ignore_ascii_case("https")),
            _ => {}
        }
    }
    hop
}

/// The hops of `X-Forwarded-For`; the last proxy's `X-Forwarded-Proto` speaks for the whole way.
fn legacy(headers: &HeaderMap) -> Vec<Hop> {
    let protocol = values(headers, &X_FORWARDED_PROTO).last();
    let secure = protocol.map(|protocol| protocol.trim().eq_ignore_ascii_case("https"));
    let mut hops: Vec<Hop> = values(headers, &X_FORWARDED_FOR)
        .map(|value| Hop {
            address: address(value.trim()),
            secure: None,
        })
        .collect();
    if hops.is_empty() {
        return hops;
    }
    if let Some(last) = hops.last_mut() {
        last.secure = secure;
    }
    hops
}

/// An address with or without a port and brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    bare.parse().ok().or_else(with_port)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn origin(address: &str, secure: bool) -> Origin {
        Origin {
            address: Some(address.parse().unwrap()),
            secure,
        }
    }

    fn proxies() -> Proxies {
        let list = ["127.0.0.1", "10.0.0.0/8", "2001:db8::/32"];
        Proxies::parse(&list.map(str::to_owned)).unwrap()
    }

    fn heard(direct: &str, lines: &[(&'static str, &'static str)]) -> Origin {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        proxies().origin(origin(direct, false), &headers)
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let lines = [
            ("x-forwarded-for", "192.0.2.7"),
            ("x-forwarded-proto", "https"),
        ];
        assert_eq!(heard("198.51.100.1", &lines), origin("198.51.100.1", false));
        assert_eq!(heard("10.1.2.3", &lines), origin("192.0.2.7", true));
        assert_eq!(heard("::ffff:10.1.2.3", &lines), origin("192.0.2.7", true));
        assert_eq!(heard("10.1.2.3", &[]), origin("10.1.2.3", false));
        let unix = Origin {
            address: None,
            secure: false,
        };
        let headers = HeaderMap::from_iter([(X_FORWARDED_FOR, "192.0.2.7".parse().unwrap())]);
        assert_eq!(proxies().origin(unix, &headers), unix);
        let unix_too = Proxies::parse(&["unix".to_owned()]).unwrap();
        assert_eq!(unix_too.origin(unix, &headers), origin("192.0.2.7", false));
    }

    /// What a client writes in front of what the proxies add is not its address.
    #[test]
    fn invented_hops_are_passed_over() {
        let lines = [
            ("x-forwarded-for", "203.0.113.9, 192.0.2.7"),
            ("x-forwarded-for", "10.9.9.9"),
        ];
        assert_eq!(heard("127.0.0.1", &lines), origin("192.0.2.7", false));
        let lines = [(
            "forwarded",
            "for=203.0.113.9;proto=https, for=192.0.2.7;proto=http",
        )];
        assert_eq!(heard("127.0.0.1", &lines), origin("192.0.2.7", false));
    }

    #[test]
    fn forwarded_goes_first_and_has_many_forms() {
        for (line, expected) in [
            ("for=192.0.2.7", origin("192.0.2.7", false)),
            (
                "For=\"192.0.2.7:4711\";Proto=HTTPS;by=x",
                origin("192.0.2.7", true),
            ),
            (
                "for=\"[2001:DB9::7]:4711\"; proto=https",
                origin("2001:db9::7", true),
            ),
            // Hidden, unknown or broken: the proxy is all that is known.
            ("for=_hidden;proto=https", origin("10.0.0.1", true)),
            ("for=\"a,b\"", origin("10.0.0.1", false)),
            ("", origin("10.0.0.1", false)),
        ] {
            let lines = [("forwarded", line), ("x-forwarded-for", "192.0.2.99")];
            assert_eq!(heard("10.0.0.1", &lines), expected, "{line}");
        }
    }

    #[test]
    fn lists_are_checked() {
        for bad in ["localhost", "10.0.0.0/33", "", "10.0.0.0-10.0.0.9"] {
            assert_eq!(Proxies::parse(&[bad.to_owned()]), None, "{bad}");
        }
    }
}
