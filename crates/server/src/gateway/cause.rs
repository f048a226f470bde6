//! Why logins fail, by name.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use net_proto::RefuseCode;

/// Why a token was of no use.
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
}

impl Cause {
    const ALL: [Self; 12] = [
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
    ];

    /// What the client is told, for programs.
    pub(super) fn code(self) -> RefuseCode {
        match self {
            Self::TokensFull => RefuseCode::FULL,
            Self::TokenAudience => RefuseCode::AUDIENCE,
            Self::ProofMissing | Self::ProofWrong => RefuseCode::PROOF,
            _ => RefuseCode::TOKEN,
        }
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
            Self::TokenUnbound => "token_unbound",
            Self::ProofMissing => "proof_missing",
            Self::ProofWrong => "proof_wrong",
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

    /// All of them, those that were never met too.
    pub(crate) fn read(&self) -> BTreeMap<String, u64> {
        let count = |cause: Cause| self.0[cause as usize].load(Ordering::Relaxed);
        let named = |cause: Cause| (cause.name().to_owned(), count(cause));
        Cause::ALL.into_iter().map(named).collect()
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
        let read = counts.read();
        assert_eq!(read.len(), Cause::ALL.len());
        assert_eq!((read["token_malformed"], read["proof_wrong"]), (1, 12));
    }
}
