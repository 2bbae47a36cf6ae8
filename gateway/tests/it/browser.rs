//! A browser as far as logins need one: cookies by port, and redirects that are followed by hand.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::server::{Answer, send};

/// Its cookies.
#[derive(Default)]
pub struct Browser {
    cookies: BTreeMap<u16, BTreeMap<String, String>>,
}

/// Host and path of an address on this computer.
pub fn parts(url: &str) -> (SocketAddr, &str) {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = if path.is_empty() { "/" } else { path };
    (host.parse().unwrap(), path)
}

impl Browser {
    pub fn get(&mut self, url: &str) -> Answer {
        self.send("GET", url, "")
    }

    pub fn post(&mut self, url: &str, form: &str) -> Answer {
        self.send("POST", url, form)
    }

    /// One request; a redirect is an answer.
    fn send(&mut self, method: &str, url: &str, form: &str) -> Answer {
        let (address, path) = parts(url);
        let jar = self.cookies.entry(address.port()).or_default();
        let pairs: Vec<String> = jar
            .iter()
            .map(|(name, it)| format!("{name}={it}"))
            .collect();
        let (host, length, cookie) = (
            address.to_string(),
            form.len().to_string(),
            pairs.join("; "),
        );
        let mut headers = vec![("Host", host.as_str()), ("Connection", "close")];
        if !cookie.is_empty() {
            headers.push(("Cookie", &cookie));
        }
        if method == "POST" {
            headers.push(("Sec-Fetch-Site", "same-origin"));
            headers.push(("Content-Type", "application/x-www-form-urlencoded"));
            headers.push(("Content-Length", &length));
        }
        let answer = send(address, method, path, &headers, form.as_bytes());
        let set = answer
            .headers
            .iter()
            .filter(|(name, _)| name == "set-cookie");
        for (_, cookie) in set {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    /// Follows redirects until there is none, or one leads to `until`.
    pub fn follow(&mut self, url: &str, until: &str) -> (String, Answer) {
        let mut url = url.to_owned();
        for _ in 0..20 {
            let answer = self.get(&url);
            let Some(next) = answer.header("location") else {
                return (url, answer);
            };
            let next = match next.starts_with('/') {
                true => format!("http://{}{next}", parts(&url).0),
                false => next.to_owned(),
            };
            if next == until {
                return (next, answer);
            }
            url = next;
        }
        panic!("redirects without end");
    }

    /// The value of a cookie.
    pub fn cookie(&self, port: u16, name: &str) -> Option<&str> {
        self.cookies.get(&port)?.get(name).map(String::as_str)
    }

    /// Another browser takes a cookie over, as a thief would.
    pub fn set_cookie(&mut self, port: u16, name: &str, value: &str) {
        let jar = self.cookies.entry(port).or_default();
        jar.insert(name.to_owned(), value.to_owned());
    }
}
