//! TLS for all connections of an engine: whom to trust, and the sessions to resume.

use std::path::Path;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use crate::target::Origin;

/// Origins whose sessions are remembered: with their certificates they take some KiB each.
const MOST_SESSIONS: usize = 2_048;

/// TLS 1.2 and 1.3, the endpoint's certificate checked for its host.
#[derive(Clone, Debug)]
pub struct Trust(Arc<ClientConfig>);

impl Trust {
    /// Trusting the authorities of a PEM file and no others.
    ///
    /// # Errors
    /// In words: the file cannot be read, or has no certificate.
    pub fn of_file(path: &Path) -> Result<Self, String> {
        let said = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let mut roots = RootCertStore::empty();
        let certificates = CertificateDer::pem_file_iter(path).map_err(|error| said(&error))?;
        // What stands in a system's bundle and is no authority that can be read is passed over, as OpenSSL does.
        roots.add_parsable_certificates(certificates.filter_map(Result::ok));
        if roots.is_empty() {
            return Err(said(&"there is no certificate of an authority in it"));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.resumption = Resumption::in_memory_sessions(MOST_SESSIONS);
        Ok(Self(Arc::new(config)))
    }

    /// A connection's side of TLS, before its handshake.
    ///
    /// # Errors
    /// In words: no certificate can be for this host.
    pub fn connection(&self, origin: &Origin) -> Result<ClientConnection, String> {
        let host = origin.host.strip_suffix('.').unwrap_or(&origin.host);
        let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
        ClientConnection::new(self.0.clone(), name).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
impl Trust {
    /// For where no TLS is spoken.
    pub fn nobody() -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = builder.expect("ring has both").with_root_certificates(RootCertStore::empty());
        Self(Arc::new(config.with_no_client_auth()))
    }
}
