//! Signing profiles, as `consumer/signing/profiles.py` says.
//!
//! The law: no key leaves this module, and none is in a `Debug`. Of a secret no copy of ours is kept: a MAC's key is
//! here as the two states of SHA-256 that it begins with.

use ring::hmac::{Context, HMAC_SHA256, Key, Tag};
use ring::signature::Ed25519KeyPair;

use crate::payload::Body;
use crate::text::{base64, hex};

/// What a signature covers and how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// `webhook-signature: v1,<base64>`, HMAC-SHA256 over id.timestamp.body.
    Standard,
    /// `webhook-signature: v1a,<base64>`, Ed25519 over the same.
    Ed25519,
    /// `<header>: <hex>`, HMAC-SHA256 over the body.
    Hex,
    /// `<header>: sha256=<hex>`, the same.
    Sha256,
    /// `<header>: t=<s>,v1=<hex>`, HMAC-SHA256 over timestamp.body.
    Stripe,
}

impl Profile {
    /// The one that Python calls so.
    pub fn of(word: &str) -> Option<Self> {
        let known = [Self::Standard, Self::Ed25519, Self::Hex, Self::Sha256, Self::Stripe];
        known
            .into_iter()
            .zip(["standard", "ed25519", "hex", "sha256", "stripe"])
            .find(|(_, each)| *each == word)
            .map(|found| found.0)
    }
}

enum Signer {
    Macs(Vec<Key>),
    Pairs(Vec<Ed25519KeyPair>),
}

/// One profile with the keys that sign together, the current one first.
pub struct Scheme {
    profile: Profile,
    signer: Signer,
    header: String,
}

impl std::fmt::Debug for Scheme {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Scheme").field("profile", &self.profile).finish_non_exhaustive()
    }
}

/// A key that its profile cannot sign with.
#[derive(Debug)]
pub struct NoKey;

impl Scheme {
    /// Ready to sign with these keys: of ed25519 the seeds. `header` is used by hex, sha256 and stripe.
    ///
    /// # Errors
    /// A key does not fit.
    pub fn new(profile: Profile, keys: &[&[u8]], header: &str) -> Result<Self, NoKey> {
        if keys.is_empty() {
            return Err(NoKey);
        }
        let signer = if profile == Profile::Ed25519 {
            let pairs = keys.iter().map(|seed| Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| NoKey));
            Signer::Pairs(pairs.collect::<Result<_, _>>()?)
        } else {
            Signer::Macs(keys.iter().map(|key| Key::new(HMAC_SHA256, key)).collect())
        };
        Ok(Self { profile, signer, header: header.to_owned() })
    }

    /// The headers that it adds, one after the other, to a request made at `second`.
    ///
    /// # Errors
    /// Those of `add`.
    pub fn sign<E>(
        &self,
        webhook_id: &str,
        second: i64,
        body: &Body,
        mut add: impl FnMut(&str, &str) -> Result<(), E>,
    ) -> Result<(), E> {
        add("webhook-id", webhook_id)?;
        let timestamp = second.to_string();
        let mut told = String::with_capacity(128);
        match (&self.signer, self.profile) {
            (Signer::Pairs(pairs), _) => {
                let mut signed = [webhook_id.as_bytes(), b".", timestamp.as_bytes(), b"."].concat();
                signed.extend_from_slice(&body.parts().concat());
                for pair in pairs {
                    begin(&mut told, " ", "v1a,");
                    base64(pair.sign(&signed).as_ref(), &mut told);
                }
            }
            (Signer::Macs(keys), Profile::Standard) => {
                for key in keys {
                    begin(&mut told, " ", "v1,");
                    base64(mac(key, &[webhook_id, ".", &timestamp, "."], body).as_ref(), &mut told);
                }
            }
            (Signer::Macs(keys), Profile::Stripe) => {
                told.push_str("t=");
                told.push_str(&timestamp);
                for key in keys {
                    begin(&mut told, ",", "v1=");
                    hex(mac(key, &[&timestamp, "."], body).as_ref(), &mut told);
                }
            }
            (Signer::Macs(keys), profile) => {
                told.push_str(if profile == Profile::Sha256 { "sha256=" } else { "" });
                hex(mac(&keys[0], &[], body).as_ref(), &mut told);
            }
        }
        if matches!(self.profile, Profile::Standard | Profile::Ed25519) {
            add("webhook-timestamp", &timestamp)?;
            add("webhook-signature", &told)
        } else {
            add(&self.header, &told)
        }
    }
}

fn begin(told: &mut String, between: &str, before: &str) {
    if !told.is_empty() {
        told.push_str(between);
    }
    told.push_str(before);
}

fn mac(key: &Key, head: &[&str], body: &Body) -> Tag {
    let mut context = Context::with_key(key);
    for part in head {
        context.update(part.as_bytes());
    }
    for part in body.parts() {
        context.update(part);
    }
    context.sign()
}
