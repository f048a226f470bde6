//! What is written in `#[component(…)]` and `#[lane(…)]`.

use proc_macro2::{Ident, TokenStream as Tokens};
use quote::quote;
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned;
use syn::{
    Attribute, DeriveInput, Error, Expr, ExprUnary, Lit, LitInt, LitStr, Path, Result, UnOp,
    parse_quote,
};

/// The values of `#[component(…)]`.
pub(crate) struct Attributes {
    pub(crate) name: LitStr,
    pub(crate) kind: Ident,
    pub(crate) version: LitInt,
    pub(crate) durability: Ident,
    pub(crate) replication: Replication,
    /// Where what the expansion names is found.
    pub(crate) core: Path,
}

/// Whom the values are sent to, how often and before which others.
pub(crate) struct Replication {
    audience: Ident,
    rate_hz: Option<LitInt>,
    priority: Option<LitInt>,
}

impl Replication {
    /// The expression of a `spatial_core::Replication`.
    pub(crate) fn parts(&self, core: &Path) -> Tokens {
        let Self {
            audience,
            rate_hz,
            priority,
        } = self;
        let rate_hz = rate_hz.as_ref().map_or(quote!(0), |rate| quote!(#rate));
        let priority = priority.as_ref().map_or(quote!(1), |n| quote!(#n));
        quote! {
            #core::Replication {
                audience: #core::Audience::#audience,
                rate_hz: #rate_hz,
                priority: #priority,
            }
        }
    }
}

impl Attributes {
    pub(crate) fn new(input: &DeriveInput) -> Result<Self> {
        let (mut name, mut kind, mut version, mut durability) = (None, None, None, None);
        let (mut audience, mut rate_hz, mut priority, mut core) = (None, None, None, None);
        each_part(&input.attrs, "component", |meta| {
            if meta.path.is_ident("name") {
                once(&meta, &mut name, meta.value()?.parse()?)
            } else if meta.path.is_ident("kind") {
                once(&meta, &mut kind, variant(KINDS, &meta.value()?.parse()?)?)
            } else if meta.path.is_ident("version") {
                once(&meta, &mut version, version_number(meta.value()?.parse()?)?)
            } else if meta.path.is_ident("durability") {
                let written = meta.value()?.parse()?;
                once(&meta, &mut durability, variant(DURABILITIES, &written)?)
            } else if meta.path.is_ident("replicate") {
                let written = meta.value()?.parse()?;
                once(&meta, &mut audience, variant(AUDIENCES, &written)?)
            } else if meta.path.is_ident("rate") {
                let written = bounded(
                    meta.value()?.parse()?,
                    1..=1_000,
                    "rates are 1 to 1000 a second",
                )?;
                once(&meta, &mut rate_hz, written)
            } else if meta.path.is_ident("priority") {
                let written = bounded(meta.value()?.parse()?, 1..=15, "priorities are 1 to 15")?;
                once(&meta, &mut priority, written)
            } else if meta.path.is_ident("crate") {
                once(&meta, &mut core, meta.value()?.parse::<LitStr>()?.parse()?)
            } else {
                let want =
                    "want name, kind, version, durability, replicate, rate, priority or crate";
                Err(meta.error(want))
            }
        })?;
        if let (None, Some(of)) = (&audience, rate_hz.as_ref().or(priority.as_ref())) {
            let want = "only what is replicated has a rate or a priority: want replicate = …";
            return Err(Error::new_spanned(of, want));
        }
        let missing = || {
            let want = "want #[component(name = \"…\", kind = …, version = …)]";
            Error::new_spanned(&input.ident, want)
        };
        let durable = || Ident::new("Durable", input.ident.span());
        Ok(Self {
            name: name.ok_or_else(missing)?,
            kind: kind.ok_or_else(missing)?,
            version: version.ok_or_else(missing)?,
            durability: durability.unwrap_or_else(durable),
            replication: Replication {
                audience: audience.unwrap_or_else(|| Ident::new("Nobody", input.ident.span())),
                rate_hz,
                priority,
            },
            core: core.unwrap_or_else(|| parse_quote!(::spatial_core)),
        })
    }

    /// What lanes the kind wants.
    pub(crate) fn lanes_of_kind(&self) -> &'static str {
        match self.kind.to_string().as_str() {
            "Point" => {
                "a point has an optional u64 of its frame, then three fields of i32, f32 or f64"
            }
            "Vector" => "a vector has two or three fields of one type: i8, i16, i32, f32 or f64",
            "Rotation" => "a rotation has four fields x, y, z, w of one type: i16, f32 or f64",
            "Angle" => "an angle has fields of u16",
            _ => "any fields will do",
        }
    }
}

type Words = &'static [(&'static str, &'static str)];

/// Words of attributes and the variants that they name.
const KINDS: Words = &[
    ("point", "Point"),
    ("vector", "Vector"),
    ("rotation", "Rotation"),
    ("angle", "Angle"),
    ("scalar", "Scalar"),
    ("raw", "Raw"),
];
const DURABILITIES: Words = &[
    ("durable", "Durable"),
    ("transient", "Transient"),
    ("derived", "Derived"),
];

const AUDIENCES: Words = &[("all", "All"), ("owner", "Owner")];

fn bounded(written: LitInt, bounds: core::ops::RangeInclusive<u16>, want: &str) -> Result<LitInt> {
    match written.base10_parse::<u16>() {
        Ok(value) if bounds.contains(&value) => Ok(written),
        _ => Err(Error::new_spanned(written, want)),
    }
}

fn variant(words: Words, written: &Ident) -> Result<Ident> {
    if let Some((_, variant)) = words.iter().find(|(word, _)| written == word) {
        return Ok(Ident::new(variant, written.span()));
    }
    let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let (last, others) = names.split_last().expect("there are words to choose from");
    let want = format!("want {} or {last}", others.join(", "));
    Err(Error::new_spanned(written, want))
}

fn version_number(written: LitInt) -> Result<LitInt> {
    match written.base10_parse::<u16>() {
        Ok(_) => Ok(written),
        Err(_) => Err(Error::new_spanned(written, "versions are 0 to 65535")),
    }
}

/// The values of `#[lane(…)]`, as `spatial_core::WireParts` has them.
#[derive(Default)]
pub(crate) struct Wire {
    bits: Option<f64>,
    quantum: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
}

impl Wire {
    pub(crate) fn new(attributes: &[Attribute]) -> Result<Self> {
        let mut wire = Self::default();
        each_part(attributes, "lane", |meta| {
            let slot = if meta.path.is_ident("bits") {
                &mut wire.bits
            } else if meta.path.is_ident("quantum") {
                &mut wire.quantum
            } else if meta.path.is_ident("min") {
                &mut wire.min
            } else if meta.path.is_ident("max") {
                &mut wire.max
            } else {
                return Err(meta.error("want bits, quantum, min or max"));
            };
            let written: Expr = meta.value()?.parse()?;
            let value = number(&written)?;
            if meta.path.is_ident("bits") && !is_bits(value) {
                let want = "a lane's bits are 1 to 52; without #[lane] all bits of its type travel";
                return Err(Error::new_spanned(written, want));
            }
            if meta.path.is_ident("quantum") && !(value > 0.0 && value.is_finite()) {
                let want = "a lane's quantum is greater than 0";
                return Err(Error::new_spanned(written, want));
            }
            once(&meta, slot, value)
        })?;
        match (wire.min, wire.max) {
            (Some(min), Some(max)) if min >= max => {
                let lane = attributes.iter().find(|a| a.path().is_ident("lane"));
                let span = lane.map_or_else(proc_macro2::Span::call_site, Spanned::span);
                Err(Error::new(span, "a lane's min is less than its max"))
            }
            _ => Ok(wire),
        }
    }

    /// The expression of a `spatial_core::WireParts`.
    pub(crate) fn parts(&self, core: &Path) -> Tokens {
        let option = |value: Option<f64>| match value {
            Some(value) => quote!(::core::option::Option::Some(#value)),
            None => quote!(::core::option::Option::None),
        };
        let bits = match self.bits {
            Some(bits) => {
                let bits = bits as u32;
                quote!(::core::option::Option::Some(#bits))
            }
            None => quote!(::core::option::Option::None),
        };
        let [quantum, min, max] = [self.quantum, self.min, self.max].map(option);
        quote! {
            #core::WireParts { bits: #bits, quantum: #quantum, min: #min, max: #max }
        }
    }
}

fn is_bits(value: f64) -> bool {
    (1.0..=52.0).contains(&value) && value.fract() == 0.0
}

/// A number that is written out, perhaps with a minus.
fn number(written: &Expr) -> Result<f64> {
    match written {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(integer) => integer.base10_parse(),
            Lit::Float(float) => float.base10_parse(),
            other => Err(Error::new_spanned(other, "want a number")),
        },
        Expr::Unary(ExprUnary {
            op: UnOp::Neg(_),
            expr,
            ..
        }) => Ok(-number(expr)?),
        other => Err(Error::new_spanned(other, "want a number")),
    }
}

fn each_part(
    attributes: &[Attribute],
    name: &str,
    mut read: impl FnMut(ParseNestedMeta<'_>) -> Result<()>,
) -> Result<()> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident(name))
        .try_for_each(|attribute| attribute.parse_nested_meta(&mut read))
}

fn once<T>(meta: &ParseNestedMeta<'_>, slot: &mut Option<T>, value: T) -> Result<()> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(meta.error("said twice")),
    }
}
