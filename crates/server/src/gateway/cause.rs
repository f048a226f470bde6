//! Why logins fail, by name.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use net_proto::RefuseCode;

/// Why a token, or a secret to come back with, was of no use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cause {
    TokenMalformed,
    TokenForged,
    TokenLifetime,
    TokenNotYet,
    TokenExpired,
    TokenAudience,
    TokenWorld,
    TokenUsed,
    TokensFull,
    TokenUnbound,
    ProofMissing,
    ProofWrong,
    StorageFull,
    ReturnUnknown,
    ReturnUsed,
    ReturnOver,
    ReturnProof,
}

impl Cause {
    const ALL: [Self; 17] = [
        Self::TokenMalformed,
        Self::TokenForged,
        Self::TokenLifetime,
        Self::TokenNotYet,
        Self::TokenExpired,
        Self::TokenAudience,
        Self::TokenWorld,
        Self::TokenUsed,
        Self::TokensFull,
        Self::TokenUnbound,
        Self::ProofMissing,
        Self::ProofWrong,
        Self::StorageFull,
        Self::ReturnUnknown,
        Self::ReturnUsed,
        Self::ReturnOver,
        Self::ReturnProof,
    ];

    /// What the client is told, for programs.
    pub(super) fn code(self) -> RefuseCode {
        match self {
            Self::TokensFull | Self::StorageFull => RefuseCode::FULL,
            Self::TokenAudience => RefuseCode::AUDIENCE,
            Self::ProofMissing | Self::ProofWrong | Self::ReturnProof => RefuseCode::PROOF,
            Self::ReturnUnknown | Self::ReturnUsed | Self::ReturnOver => RefuseCode::GONE,
            _ => RefuseCode::TOKEN,
        }
    }

    /// Whether it is one of those who come back.
    fn is_return(self) -> bool {
        self as usize >= Self::ReturnUnknown as usize
    }

    /// Its name in the status.
    fn name(self) -> &'static str {
        match self {
            Self::TokenMalformed => "token_malformed",
            Self::TokenForged => "token_forged",
            Self::TokenLifetime => "token_lifetime",
            Self::TokenNotYet => "token_not_yet",
            Self::TokenExpired => "token_expired",
            Self::TokenAudience => "token_audience",
            Self::TokenWorld => "token_world",
            Self::TokenUsed => "token_used",
            Self::TokensFull => "tokens_full",
            Self::StorageFull => "storage_full",
            Self::TokenUnbound => "token_unbound",
            Self::ProofMissing => "proof_missing",
            Self::ProofWrong | Self::ReturnProof => "proof_wrong",
            Self::ReturnUnknown => "unknown",
            Self::ReturnUsed => "used",
            Self::ReturnOver => "over",
        }
    }
}

/// How often each cause was met.
#[derive(Debug, Default)]
pub(crate) struct CauseCounts([AtomicU64; Cause::ALL.len()]);

impl CauseCounts {
    pub(super) fn add(&self, cause: Cause) {
        self.0[cause as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// All of those who come in, those that were never met too.
    pub(crate) fn read(&self) -> BTreeMap<String, u64> {
        self.named(|cause| !cause.is_return())
    }

    /// All of those who come back.
    pub(crate) fn read_returns(&self) -> BTreeMap<String, u64> {
        self.named(Cause::is_return)
    }

    fn named(&self, is_wanted: impl Fn(Cause) -> bool) -> BTreeMap<String, u64> {
        let count = |cause: Cause| self.0[cause as usize].load(Ordering::Relaxed);
        let named = |cause: Cause| (cause.name().to_owned(), count(cause));
        let wanted = Cause::ALL.into_iter().filter(|cause| is_wanted(*cause));
        wanted.map(named).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_has_a_counter_of_its_own() {
        let counts = CauseCounts::default();
        for (n, cause) in Cause::ALL.into_iter().enumerate() {
            assert_eq!(cause as usize, n);
            (0..=n).for_each(|_| counts.add(cause));
        }
        let (read, returns) = (counts.read(), counts.read_returns());
        assert_eq!(read.len() + returns.len(), Cause::ALL.len());
        assert_eq!((read["token_malformed"], read["proof_wrong"]), (1, 12));
        assert_eq!((returns["unknown"], returns["proof_wrong"]), (14, 17));
    }
}
