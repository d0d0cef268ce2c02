//! Whom a client certificate names.

use kabao_api::CallerId;
use kabao_grpc::Certified;
use rustls_pki_types::CertificateDer;

/// Reads the name out of a certificate that was verified: its SPIFFE id, else its first DNS name, else its
/// common name.
///
/// Each kind of name keeps to its own form, so that an authority which vouches for DNS names alone cannot make a SPIFFE id.
pub(crate) fn certified(certificate: &CertificateDer<'_>) -> Certified {
    Certified(name(certificate))
}

const NAMELESS: &str =
    "the client certificate names nobody: it has no SPIFFE id, no DNS name and no common name";
const SEVERAL: &str = "the client certificate has several SPIFFE ids, and must have one";
const UNUSABLE: &str =
    "the name in the client certificate cannot be used: it is too long or holds odd characters";

fn name(certificate: &CertificateDer<'_>) -> Result<CallerId, &'static str> {
    let parsed = webpki::EndEntityCert::try_from(certificate).map_err(|_| NAMELESS)?;
    let is_spiffe = |uri: &&str| {
        let scheme = uri.split_once("://").map_or("", |(scheme, _)| scheme);
        scheme.eq_ignore_ascii_case("spiffe")
    };
    let mut ids = parsed.valid_uri_names().filter(is_spiffe);
    let (id, other) = (ids.next(), ids.next());
    let name = match (id, other, parsed.valid_dns_names().next()) {
        (Some(_), Some(_), _) => return Err(SEVERAL),
        (Some(id), None, _) => id.to_owned(),
        (None, _, Some(dns)) => dns.to_ascii_lowercase(),
        (None, _, None) => {
            let name = kabao_auth::common_name(parsed.subject()).ok_or(NAMELESS)?;
            if name.is_empty() {
                return Err(NAMELESS);
            }
            if name.contains("://") {
                return Err(UNUSABLE);
            }
            name.to_owned()
        }
    };
    CallerId::new(name).map_err(|_| UNUSABLE)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SanType};

    use super::*;

    fn named(sans: Vec<SanType>, common_name: Option<&str>) -> Result<String, &'static str> {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.subject_alt_names = sans;
        parameters.distinguished_name = DistinguishedName::new();
        if let Some(name) = common_name {
            parameters.distinguished_name.push(DnType::CommonName, name);
        }
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        certified(certificate.der()).0.map(|name| name.to_string())
    }

    fn uri(text: &str) -> SanType {
        SanType::URI(text.try_into().unwrap())
    }

    fn dns(text: &str) -> SanType {
        SanType::DnsName(text.try_into().unwrap())
    }

    #[test]
    fn a_spiffe_id_goes_before_a_dns_name_and_that_before_the_common_name() {
        let till = "spiffe://acme.example/till";
        for (sans, common_name, expected) in [
            (vec![dns("a.example"), uri(till)], Some("n"), till),
            (
                vec![uri("https://a.example"), dns("A.example"), dns("b.example")],
                Some("n"),
                "a.example",
            ),
            (vec![uri("https://a.example")], Some("till 7"), "till 7"),
            (vec![], Some("门店"), "门店"),
        ] {
            assert_eq!(named(sans, common_name), Ok(expected.to_owned()));
        }
    }

    #[test]
    fn a_certificate_without_one_name_is_nobodys() {
        assert_eq!(named(vec![], None), Err(NAMELESS));
        assert_eq!(named(vec![], Some("")), Err(NAMELESS));
        let two = vec![uri("spiffe://a/b"), uri("spiffe://a/c")];
        assert_eq!(named(two, Some("n")), Err(SEVERAL));
        let forged = named(vec![], Some("spiffe://acme.example/till"));
        assert_eq!(forged, Err(UNUSABLE));
    }
}
