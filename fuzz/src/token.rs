//! Tokens, tickets and names.

use core::str::FromStr;

use ed25519_dalek::{Signer, SigningKey};
use net_proto::{
    Audience, Claims, Holder, HolderKey, PlayerId, PlayerName, ShortText, Ticket, Token, TokenKey,
    TokenVerifier, WorldId,
};

/// The secret of the issuer that is trusted here. It signs one token, [`genuine`], and nothing that the fuzzer has a
/// part in: libFuzzer learns from what is compared, and would show a second token as if it had been forged.
const SEED: [u8; 32] = *b"the issuer that is trusted here.";
/// That of the issuer who signs whatever the fuzzer says.
const SEED_OF_ANY: [u8; 32] = *b"an issuer that signs everything.";
const SIGNED_BYTES: usize = Token::BYTES_MAX - 64;
const HERE: (WorldId, Audience) = (WorldId(1), Audience([5; 16]));

/// First byte: 0 a token as it is, 1 the part of a token that is then signed, 2 a ticket, 3 a public key and a
/// token, 4 a text.
pub fn run(data: &[u8]) -> bool {
    match data.split_first() {
        Some((0, token)) => verify(token),
        Some((1, claims)) => verify_signed(claims),
        Some((2, text)) => core::str::from_utf8(text).is_ok_and(parse_ticket),
        Some((3, key_and_token)) => verify_by_foreign_key(key_and_token),
        Some((4, text)) => core::str::from_utf8(text).is_ok_and(take_text),
        _ => false,
    }
}

fn verify(token: &[u8]) -> bool {
    if let Ok(token) = Token::from_bytes(token) {
        assert!(!format!("{token:?}").contains(&format!("{:?}", token.as_bytes())));
    }
    let is_genuine = issuer().verifier().verify(token, HERE, 100).is_ok();
    // Nobody forges a signature by chance.
    assert!(!is_genuine || genuine().as_bytes() == token);
    is_genuine
}

/// As if an issuer had signed anything.
fn verify_signed(claims: &[u8]) -> bool {
    let (domain, length) = match claims.first() {
        Some(1) => (b"bluemarble token 1", 73),
        _ => (b"bluemarble token 2", SIGNED_BYTES),
    };
    let Some(claims) = claims.get(..length) else {
        return false;
    };
    let message = [domain.as_slice(), claims].concat();
    let signature = SigningKey::from_bytes(&SEED_OF_ANY)
        .sign(&message)
        .to_bytes();
    let bytes = [claims, &signature].concat();
    let Ok(token) = Token::from_bytes(&bytes) else {
        return false;
    };
    let mut not_before = [0; 8];
    not_before.copy_from_slice(&claims[17..25]);
    let now_s = u64::from_le_bytes(not_before);
    let issuer = issuer_of_any();
    let verified = issuer
        .verifier()
        .verify(&bytes, (token.world(), audience(claims)), now_s);
    // There is one spelling of everything.
    verified.is_ok_and(|claims| {
        assert_eq!(issuer.sign(&claims), token);
        true
    })
}

/// That of claims of version 2; those of version 1 have none.
fn audience(claims: &[u8]) -> Audience {
    let bytes = claims.get(105..121).and_then(<[u8]>::first_chunk);
    Audience(bytes.copied().unwrap_or_default())
}

fn parse_ticket(text: &str) -> bool {
    Ticket::from_str(text).is_ok_and(|ticket| {
        assert_eq!(ticket.to_string(), text);
        true
    })
}

fn verify_by_foreign_key(key_and_token: &[u8]) -> bool {
    let Some((key, token)) = key_and_token.split_first_chunk() else {
        return false;
    };
    let Ok(verifier) = TokenVerifier::from_public(*key) else {
        return false;
    };
    verifier.verify(token, HERE, 100).is_ok()
}

fn take_text(text: &str) -> bool {
    let short = ShortText::lossy(text);
    assert_eq!(ShortText::lossy(short.as_str()), short);
    PlayerName::new(text).is_ok_and(|name| {
        assert_eq!(name.as_str(), text);
        assert_eq!(short.as_str(), text);
        true
    })
}

/// What real issuers write.
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let token = genuine();
    let ticket = Ticket {
        token: token.clone(),
        cert_sha256: [7; 32],
        key: Some(client()),
    };
    let unbound = Ticket {
        token: issuer_of_any().sign(&Claims {
            holder: None,
            ..claims()
        }),
        key: None,
        ..ticket.clone()
    };
    let by_key = [issuer().public().as_slice(), token.as_bytes()].concat();
    vec![
        ("token", crate::seed(0, token.as_bytes())),
        ("claims", crate::seed(1, &token.as_bytes()[..SIGNED_BYTES])),
        ("ticket", crate::seed(2, ticket.to_string().as_bytes())),
        ("unbound", crate::seed(2, unbound.to_string().as_bytes())),
        ("key", crate::seed(3, &by_key)),
        ("name", crate::seed(4, "Zoë ☃".as_bytes())),
    ]
}

/// The one token that the trusted issuer has signed.
pub(crate) fn genuine() -> Token {
    issuer().sign(&claims())
}

fn claims() -> Claims {
    Claims {
        world: WorldId(1),
        player: PlayerId(2),
        not_before_s: 50,
        expires_s: 110,
        name: PlayerName::new("ann").expect("a legal name"),
        nonce: [9; 16],
        holder: Some(Holder {
            key: client().public(),
            audience: HERE.1,
        }),
    }
}

/// The client's key.
pub(crate) fn client() -> HolderKey {
    HolderKey::from_seed(*b"a client's own key, for fuzzing.").expect("bytes that differ")
}

fn issuer() -> TokenKey {
    TokenKey::from_seed(SEED).expect("bytes that differ")
}

fn issuer_of_any() -> TokenKey {
    TokenKey::from_seed(SEED_OF_ANY).expect("bytes that differ")
}
