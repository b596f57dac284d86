//! A connection to a pretend provider: plain, or TLS with a certificate of `tests/fixtures/tls`.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::world::fixtures;

/// What a pretend provider shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// Valid for whoever trusts [`authority`].
    Good,
    /// Signed by the same, and long expired.
    Expired,
}

/// The certificate authority of the tests, for `SSL_CERT_FILE`.
pub fn authority() -> PathBuf {
    fixtures().join("tls/ca.pem")
}

/// One end of a connection.
pub enum Wire {
    /// As it is.
    Plain(TcpStream),
    /// In TLS.
    Secure(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Wire {
    /// Takes a connection, in TLS where there is a certificate.
    pub fn new(stream: TcpStream, certificate: Option<Certificate>) -> io::Result<Self> {
        let Some(certificate) = certificate else { return Ok(Self::Plain(stream)) };
        let connection = ServerConnection::new(config(certificate)).map_err(io::Error::other)?;
        Ok(Self::Secure(Box::new(StreamOwned::new(connection, stream))))
    }

    /// The socket below.
    pub fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Secure(secure) => &secure.sock,
        }
    }

    /// Says that nothing follows.
    pub fn finish(&mut self) -> io::Result<()> {
        if let Self::Secure(secure) = self {
            secure.conn.send_close_notify();
        }
        self.flush()?;
        self.socket().shutdown(Shutdown::Write)
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Secure(secure) => secure.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Secure(secure) => secure.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Secure(secure) => secure.flush(),
        }
    }
}

fn config(certificate: Certificate) -> Arc<ServerConfig> {
    let read = |name: &str| fs::read(fixtures().join("tls").join(name)).expect("a fixture");
    let file = match certificate {
        Certificate::Good => "good.der",
        Certificate::Expired => "expired.der",
    };
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(read("key.der")));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(read(file))], key)
        .expect("a certificate and its key");
    Arc::new(config)
}
