//! A request for a time stamp (RFC 3161, 2.4.1): the hash of the bytes, so the authority does not see them.

use der::asn1::Int;

use super::wire::{self, MessageImprint, TimeStampReq};
use super::{Refused, Stamp};

const REQUEST: &str = "request";

/// A request as it is sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request(TimeStampReq);

impl Request {
    /// Asks for a stamp of `file` and for the authority's certificate. With a nonce, an answer to another request is found
    /// out; of its 64 random bits the first two are set so that it is always written in eight bytes.
    pub fn of(file: &[u8], nonce: Option<[u8; 8]>) -> Result<Self, Refused> {
        let nonce = match nonce {
            None => None,
            Some([first, rest @ ..]) => {
                let positive = first & 0x3f | 0x40;
                let bytes: Vec<u8> = std::iter::once(positive).chain(rest).collect();
                Some(Int::new(&bytes).map_err(|_| Refused::Unreadable(REQUEST))?)
            }
        };
        let imprint = MessageImprint::of(file)?;
        Ok(Self(TimeStampReq { version: 1, imprint, policy: None, nonce, certificate_wanted: true, extensions: None }))
    }

    /// Reads a request.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refused> {
        let request: TimeStampReq = wire::read(bytes, REQUEST)?;
        if request.version == 1 { Ok(Self(request)) } else { Err(Refused::Unreadable(REQUEST)) }
    }

    /// The bytes to send, as `application/timestamp-query`.
    pub fn bytes(&self) -> Result<Vec<u8>, Refused> {
        wire::write(&self.0, REQUEST)
    }

    /// Checks that it asks for a stamp of `file` and that `stamp`, which is one of `file`, answers it.
    pub fn check_answer(&self, file: &[u8], stamp: &Stamp) -> Result<(), Refused> {
        if !self.0.imprint.fits(file) {
            return Err(Refused::OtherRequest);
        }
        if self.0.policy.is_some_and(|policy| policy.to_string() != stamp.policy) {
            return Err(Refused::NotTheAnswer("the policy"));
        }
        match &self.0.nonce {
            Some(nonce) if stamp.nonce.as_deref() != Some(nonce.as_bytes()) => Err(Refused::NotTheAnswer("the nonce")),
            _ => Ok(()),
        }
    }
}
