//! The one description of a column: `#[derive(Component)]`.
//!
//! From a struct of scalars it makes the implementation of `spatial_core::Component` and two structs of
//! slices, `<Name>Lanes` and `<Name>LanesMut`, with the fields' names.

use proc_macro::TokenStream;
use proc_macro2::{Ident, TokenStream as Tokens};
use quote::{format_ident, quote};
use syn::{Data, DeriveInput, Error, Fields, LitInt, LitStr, Result, Type, Visibility};

/// Implements `spatial_core::Component` for a struct with named fields that are all `LaneValue`s.
///
/// `#[component(name = "body", kind = point, version = 1)]`; all three are required, kind is one of
/// `point`, `vector`, `rotation`, `angle`, `scalar`, `raw`.
#[proc_macro_derive(Component, attributes(component))]
pub fn derive_component(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as DeriveInput);
    expand(&input)
        .unwrap_or_else(Error::into_compile_error)
        .into()
}

fn expand(input: &DeriveInput) -> Result<Tokens> {
    let component = Described::new(input)?;
    let (views, implementation) = (component.views(), component.implementation());
    Ok(quote! { #views #implementation })
}

/// Names are saved behind one byte of length.
const NAME_BYTES: core::ops::RangeInclusive<usize> = 1..=255;

/// What the derive has read.
struct Described<'a> {
    visibility: &'a Visibility,
    ident: &'a Ident,
    lanes: Ident,
    lanes_mut: Ident,
    fields: Vec<(&'a Ident, &'a Type)>,
    attributes: Attributes,
}

impl<'a> Described<'a> {
    fn new(input: &'a DeriveInput) -> Result<Self> {
        if !input.generics.params.is_empty() {
            return Err(Error::new_spanned(
                &input.generics,
                "a component has no generics",
            ));
        }
        let (fields, attributes) = (fields_of(input)?, Attributes::new(input)?);
        let lanes = fields.iter().map(|(field, _)| field.to_string());
        if !lanes
            .chain([attributes.name.value()])
            .all(|name| NAME_BYTES.contains(&name.len()))
        {
            let want = "names of components and of their fields have 1 to 255 bytes";
            return Err(Error::new_spanned(&input.ident, want));
        }
        Ok(Self {
            visibility: &input.vis,
            ident: &input.ident,
            lanes: format_ident!("{}Lanes", input.ident),
            lanes_mut: format_ident!("{}LanesMut", input.ident),
            fields,
            attributes,
        })
    }

    /// The two structs of slices.
    fn views(&self) -> Tokens {
        let doc = format!("All rows of [`{}`], to read.", self.ident);
        let doc_mut = format!("All rows of [`{}`], to write.", self.ident);
        let lanes = self.view(
            &self.lanes,
            &doc,
            &quote!(&'a),
            &quote!(#[derive(Clone, Copy)]),
        );
        let lanes_mut = self.view(&self.lanes_mut, &doc_mut, &quote!(&'a mut), &quote!());
        quote! { #lanes #lanes_mut }
    }

    fn view(&self, name: &Ident, doc: &str, reference: &Tokens, derives: &Tokens) -> Tokens {
        let visibility = self.visibility;
        let fields = self.fields.iter().map(|(field, ty)| {
            let doc = format!("`{field}` of every row.");
            quote! { #[doc = #doc] #visibility #field: #reference [#ty], }
        });
        quote! {
            #[doc = #doc]
            #derives
            #[allow(dead_code, unreachable_pub, reason = "generated for every component, used by some")]
            #visibility struct #name<'a> { #(#fields)* }
        }
    }

    fn implementation(&self) -> Tokens {
        let Self {
            ident,
            lanes,
            lanes_mut,
            ..
        } = self;
        let Attributes {
            name,
            kind,
            version,
        } = &self.attributes;
        let infos = self.fields.iter().map(|(field, ty)| {
            let name = field.to_string();
            quote! {
                ::spatial_core::LaneInfo {
                    name: #name,
                    lane_type: <#ty as ::spatial_core::LaneValue>::TYPE,
                },
            }
        });
        let names: Vec<&Ident> = self.fields.iter().map(|(field, _)| *field).collect();
        let set = names
            .iter()
            .map(|field| quote! { lanes.#field[row] = value.#field; });
        let shape = "lanes are those that the component declares";
        quote! {
            impl ::spatial_core::Component for #ident {
                const NAME: &'static str = #name;
                const KIND: ::spatial_core::Kind = ::spatial_core::Kind::#kind;
                const VERSION: u16 = #version;
                const LANES: &'static [::spatial_core::LaneInfo] = &[#(#infos)*];
                type Lanes<'a> = #lanes<'a>;
                type LanesMut<'a> = #lanes_mut<'a>;

                fn view(lanes: &[::spatial_core::Lane]) -> #lanes<'_> {
                    let [#(#names),*] = lanes else { ::core::panic!(#shape) };
                    #lanes { #(#names: #names.values()),* }
                }

                fn view_mut(lanes: &mut [::spatial_core::Lane]) -> #lanes_mut<'_> {
                    let [#(#names),*] = lanes else { ::core::panic!(#shape) };
                    #lanes_mut { #(#names: #names.values_mut()),* }
                }

                fn get(lanes: &#lanes<'_>, row: usize) -> Self {
                    Self { #(#names: lanes.#names[row]),* }
                }

                fn set(lanes: &mut #lanes_mut<'_>, row: usize, value: Self) {
                    #(#set)*
                }
            }
        }
    }
}

/// The values of `#[component(…)]`.
struct Attributes {
    name: LitStr,
    kind: Ident,
    version: LitInt,
}

impl Attributes {
    fn new(input: &DeriveInput) -> Result<Self> {
        let (mut name, mut kind, mut version) = (None, None, None);
        for attribute in input
            .attrs
            .iter()
            .filter(|a| a.path().is_ident("component"))
        {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("name") {
                    name = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("kind") {
                    kind = Some(kind_variant(&meta.value()?.parse()?)?);
                } else if meta.path.is_ident("version") {
                    version = Some(meta.value()?.parse()?);
                } else {
                    return Err(meta.error("want name, kind or version"));
                }
                Ok(())
            })?;
        }
        let missing = || {
            let want = "want #[component(name = \"…\", kind = …, version = …)]";
            Error::new_spanned(&input.ident, want)
        };
        Ok(Self {
            name: name.ok_or_else(missing)?,
            kind: kind.ok_or_else(missing)?,
            version: version.ok_or_else(missing)?,
        })
    }
}

/// The variant of `spatial_core::Kind` that an attribute names.
fn kind_variant(written: &Ident) -> Result<Ident> {
    let variant = match written.to_string().as_str() {
        "point" => "Point",
        "vector" => "Vector",
        "rotation" => "Rotation",
        "angle" => "Angle",
        "scalar" => "Scalar",
        "raw" => "Raw",
        _ => {
            let want = "want point, vector, rotation, angle, scalar or raw";
            return Err(Error::new_spanned(written, want));
        }
    };
    Ok(Ident::new(variant, written.span()))
}

/// Names and types of the fields.
fn fields_of(input: &DeriveInput) -> Result<Vec<(&Ident, &Type)>> {
    let refused = || Error::new_spanned(&input.ident, "a component is a struct with named fields");
    let Data::Struct(data) = &input.data else {
        return Err(refused());
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(refused());
    };
    let pairs = fields
        .named
        .iter()
        .filter_map(|f| Some((f.ident.as_ref()?, &f.ty)));
    let pairs: Vec<_> = pairs.collect();
    if pairs.is_empty() {
        Err(refused())
    } else {
        Ok(pairs)
    }
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    fn error(input: &DeriveInput) -> String {
        expand(input)
            .err()
            .map_or_else(|| "none".to_owned(), |e| e.to_string())
    }

    #[test]
    fn lanes_have_the_fields_names_and_types_in_order() {
        let made = expand(&parse_quote! {
            #[component(kind = angle, version = 3, name = "nose")]
            pub(crate) struct Nose { turn: u16, tilt: i8 }
        });
        let made = made.map_or_else(|e| e.to_string(), |tokens| tokens.to_string());
        for part in [
            "pub (crate) struct NoseLanes < 'a >",
            "pub (crate) turn : & 'a mut [u16]",
            "const NAME : & 'static str = \"nose\"",
            "Kind :: Angle",
            "const VERSION : u16 = 3",
            "impl :: spatial_core :: Component for Nose",
        ] {
            assert!(made.contains(part), "{part} in {made}");
        }
        assert!(made.find("\"turn\"") < made.find("\"tilt\""), "{made}");
    }

    #[test]
    fn only_structs_with_named_fields_are_components() {
        let shape = "a component is a struct with named fields";
        let refused: [DeriveInput; 5] = [
            parse_quote! { #[component(name = "a", kind = raw, version = 1)] struct A(u8); },
            parse_quote! { #[component(name = "a", kind = raw, version = 1)] struct A; },
            parse_quote! { #[component(name = "a", kind = raw, version = 1)] struct A {} },
            parse_quote! { #[component(name = "a", kind = raw, version = 1)] enum A { B } },
            parse_quote! { #[component(name = "a", kind = raw, version = 1)] union A { b: u8 } },
        ];
        for input in &refused {
            assert_eq!(error(input), shape);
        }
    }

    #[test]
    fn generics_are_refused() {
        let refused: [DeriveInput; 3] = [
            parse_quote! { #[component(name = "a", kind = raw, version = 1)] struct A<T> { b: T } },
            parse_quote! { #[component(name = "a", kind = raw, version = 1)] struct A<'x> { b: &'x u8 } },
            parse_quote! { #[component(name = "a", kind = raw, version = 1)] struct A<const N: u8> { b: u8 } },
        ];
        for input in &refused {
            assert_eq!(error(input), "a component has no generics");
        }
    }

    #[test]
    fn every_attribute_is_wanted() {
        let refused: [DeriveInput; 5] = [
            parse_quote! { struct A { b: u8 } },
            parse_quote! { #[component()] struct A { b: u8 } },
            parse_quote! { #[component(kind = raw, version = 1)] struct A { b: u8 } },
            parse_quote! { #[component(name = "a", version = 1)] struct A { b: u8 } },
            parse_quote! { #[component(name = "a", kind = raw)] struct A { b: u8 } },
        ];
        for input in &refused {
            let want = "want #[component(name = \"…\", kind = …, version = …)]";
            assert_eq!(error(input), want);
        }
    }

    #[test]
    fn attributes_that_make_no_sense_are_named() {
        let kind =
            parse_quote! { #[component(name = "a", kind = Point, version = 1)] struct A { b: u8 } };
        assert_eq!(
            error(&kind),
            "want point, vector, rotation, angle, scalar or raw"
        );
        let key =
            parse_quote! { #[component(name = "a", kind = raw, size = 1)] struct A { b: u8 } };
        assert_eq!(error(&key), "want name, kind or version");
        let text =
            parse_quote! { #[component(name = 7, kind = raw, version = 1)] struct A { b: u8 } };
        assert_eq!(error(&text), "expected string literal");
        let number =
            parse_quote! { #[component(name = "a", kind = raw, version = "1")] struct A { b: u8 } };
        assert_eq!(error(&number), "expected integer literal");
    }

    /// Names are saved with one byte of length.
    #[test]
    fn names_that_cannot_be_saved_are_refused() {
        let want = "names of components and of their fields have 1 to 255 bytes";
        for (length, refused) in [(255, false), (256, true)] {
            let long = "x".repeat(length);
            let field = format_ident!("{long}");
            let by_field = parse_quote! { #[component(name = "a", kind = raw, version = 1)] struct A { #field: u8 } };
            let by_name = parse_quote! { #[component(name = #long, kind = raw, version = 1)] struct A { b: u8 } };
            for input in [by_field, by_name] {
                assert_eq!(error(&input), if refused { want } else { "none" });
            }
        }
        let empty =
            parse_quote! { #[component(name = "", kind = raw, version = 1)] struct A { b: u8 } };
        assert_eq!(error(&empty), want);
    }
}
