//! Whose pages may frame the viewer and speak to it.

use protocol::gateway::Framing;

/// Origins whose pages may frame the viewer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parents {
    /// Pages of this computer: nothing is configured, and nobody else reaches the gateway.
    ThisComputer,
    /// These, each exactly as a browser writes it.
    These(Vec<String>),
}

impl Parents {
    /// As configured. Without a list, only a gateway that listens on loopback has parents.
    pub fn of(configured: Option<&[String]>, is_loopback: bool) -> Self {
        match configured {
            Some(parents) => Self::These(parents.to_vec()),
            None if is_loopback => Self::ThisComputer,
            None => Self::These(Vec::new()),
        }
    }

    /// Whether pages of this origin may.
    pub fn allow(&self, origin: &str) -> bool {
        match self {
            Self::ThisComputer => is_of_this_computer(origin),
            Self::These(parents) => parents.iter().any(|parent| parent == origin),
        }
    }

    /// Sources of `frame-ancestors`.
    pub fn ancestors(&self) -> String {
        match self {
            Self::ThisComputer => "'self' http://localhost:* http://127.0.0.1:*".to_owned(),
            Self::These(parents) => {
                let own = std::iter::once("'self'");
                let all: Vec<&str> = own.chain(parents.iter().map(String::as_str)).collect();
                all.join(" ")
            }
        }
    }

    /// What the app in a frame is told.
    pub fn framing(&self) -> Framing {
        match self {
            Self::ThisComputer => Framing::default(),
            Self::These(parents) => Framing {
                parents: Some(parents.clone()),
            },
        }
    }
}

fn is_of_this_computer(origin: &str) -> bool {
    ["http://localhost", "http://127.0.0.1"].iter().any(|host| {
        origin.strip_prefix(host).is_some_and(|rest| {
            rest.is_empty()
                || rest.strip_prefix(':').is_some_and(|port| {
                    !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
                })
        })
    })
}

/// True for an origin exactly as a browser writes it: it goes into a header as it stands, and is compared as it stands.
pub fn is_origin(text: &str) -> bool {
    let (host, usual) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(host), _) => (host, ":443"),
        (_, Some(host)) => (host, ":80"),
        _ => return false,
    };
    let is_plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._:[]".contains(&byte);
    !host.is_empty() && host.bytes().all(is_plain) && !host.ends_with(usual) && !host.ends_with(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t06_only_exact_origins_are_parents() {
        let listed = ["https://ehr.example.org".to_owned()];
        let parents = Parents::of(Some(&listed), false);
        assert!(parents.allow("https://ehr.example.org"));
        for other in [
            "http://ehr.example.org",
            "https://ehr.example.org:8443",
            "https://ehr.example.org.evil.example",
            "https://sub.ehr.example.org",
            "https://EHR.example.org",
            "null",
            "",
        ] {
            assert!(!parents.allow(other), "{other}");
        }
        assert_eq!(parents.ancestors(), "'self' https://ehr.example.org");
    }

    #[test]
    fn without_a_list_only_pages_of_this_computer_are_parents_of_a_gateway_on_it() {
        let here = Parents::of(None, true);
        assert!(here.allow("http://localhost:3000") && here.allow("http://127.0.0.1"));
        for other in [
            "https://localhost.example.org",
            "http://localhost.example.org",
            "http://localhost:80x",
            "http://localhost:",
        ] {
            assert!(!here.allow(other), "{other}");
        }
        let elsewhere = Parents::of(None, false);
        assert!(!elsewhere.allow("http://localhost:3000"));
        assert_eq!(elsewhere.ancestors(), "'self'");
    }

    #[test]
    fn origins_are_written_as_browsers_write_them() {
        for good in [
            "https://ehr.example.org",
            "http://127.0.0.1:8000",
            "https://[::1]:8443",
        ] {
            assert!(is_origin(good), "{good}");
        }
        for bad in [
            "https://*.example.org",
            "https://EHR.example.org",
            "https://ehr.example.org/",
            "https://ehr.example.org:443",
            "http://ehr.example.org:80",
            "https://",
            "ehr.example.org",
            "https://a.b; script-src *",
        ] {
            assert!(!is_origin(bad), "{bad}");
        }
    }
}
