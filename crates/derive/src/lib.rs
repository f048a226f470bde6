//! The one description of a column: `#[derive(Component)]`.
//!
//! From a struct of scalars it makes the implementation of `spatial_core::Component` and two structs of
//! slices, `<Name>Lanes` and `<Name>LanesMut`, with the fields' names.

use proc_macro::TokenStream;
use proc_macro2::{Ident, Span, TokenStream as Tokens};
use quote::{format_ident, quote};
use syn::ext::IdentExt;
use syn::{Data, DeriveInput, Error, Fields, Result, Type, Visibility};

use attributes::{Attributes, Wire};

mod attributes;
#[cfg(test)]
mod tests;

/// Implements `spatial_core::Component` for a struct with named fields that are all `LaneValue`s.
///
/// `#[component(name = "body", kind = point, version = 1)]`; all three are required, kind is one of
/// `point`, `vector`, `rotation`, `angle`, `scalar`, `raw`. `durability = durable` may be added, or `transient` or `derived`.
///
/// `replicate = all` sends its values to all who see the entity, `replicate = owner` to its player alone; then `rate = 5` says that they are
/// looked at five times a second at most, and `priority = 3` that they matter three times as much as others where not all fits (1 to 15).
///
/// A field may say how its values travel, `#[lane(bits = 20, quantum = 0.0625, min = -100, max = 100)]`: see
/// `spatial_core::Wire::new` for what may be left out. Without it, all bits of its type do.
///
/// What it makes names `::spatial_core`; where that is no dependency, `crate = "bluemarble::space"` says where it is.
#[proc_macro_derive(Component, attributes(component, lane))]
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
    fields: Vec<Field<'a>>,
    attributes: Attributes,
}

struct Field<'a> {
    ident: &'a Ident,
    ty: &'a Type,
    wire: Wire,
}

impl Field<'_> {
    /// The lane's name: `type` for `r#type`.
    fn name(&self) -> String {
        self.ident.unraw().to_string()
    }
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
        let lanes = fields.iter().map(|field| field.name());
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
        let fields = self.fields.iter().map(
            |Field {
                 ident: field, ty, ..
             }| {
                let doc = format!("`{field}` of every row.");
                quote! { #[doc = #doc] #visibility #field: #reference [#ty], }
            },
        );
        quote! {
            #[doc = #doc]
            #derives
            #[allow(dead_code, unreachable_pub, reason = "generated for every component, used by some")]
            #visibility struct #name<'a> { #(#fields)* }
        }
    }

    fn implementation(&self) -> Tokens {
        let (constants, rows) = (self.constants(), self.rows());
        let Self {
            ident,
            lanes,
            lanes_mut,
            attributes,
            ..
        } = self;
        let (kind, lanes_of_kind) = (&attributes.kind, attributes.lanes_of_kind());
        let core = &attributes.core;
        quote! {
            impl #core::Component for #ident {
                #constants
                type Lanes<'a> = #lanes<'a>;
                type LanesMut<'a> = #lanes_mut<'a>;
                #rows
            }

            const _: () = ::core::assert!(
                #core::Kind::#kind.accepts(<#ident as #core::Component>::LANES),
                #lanes_of_kind
            );
        }
    }

    fn constants(&self) -> Tokens {
        let Attributes {
            name,
            kind,
            version,
            durability,
            replication,
            core,
        } = &self.attributes;
        let replication = replication.parts(core);
        let infos = self.fields.iter().map(|field| {
            let (name, ty, parts) = (field.name(), field.ty, field.wire.parts(core));
            quote! {
                #core::LaneInfo {
                    name: #name,
                    lane_type: <#ty as #core::LaneValue>::TYPE,
                    wire: #core::Wire::checked(
                        <#ty as #core::LaneValue>::TYPE,
                        #parts,
                    ),
                },
            }
        });
        quote! {
            const NAME: &'static str = #name;
            const KIND: #core::Kind = #core::Kind::#kind;
            const VERSION: u16 = #version;
            const DURABILITY: #core::Durability = #core::Durability::#durability;
            const REPLICATION: #core::Replication = #replication;
            const LANES: &'static [#core::LaneInfo] = &[#(#infos)*];
        }
    }

    /// The functions from lanes to rows and back.
    fn rows(&self) -> Tokens {
        let (lanes, lanes_mut, core) = (&self.lanes, &self.lanes_mut, &self.attributes.core);
        let names: Vec<&Ident> = self.fields.iter().map(|field| field.ident).collect();
        let shape = "lanes are those that the component declares";
        // Not the fields of these names, which are variables too.
        let [all, at] = ["lanes", "row"].map(|name| Ident::new(name, Span::mixed_site()));
        quote! {
            #[inline]
            fn view(lanes: &[#core::Lane]) -> #lanes<'_> {
                let [#(#names),*] = lanes else { ::core::panic!(#shape) };
                #lanes { #(#names: #names.values()),* }
            }

            #[inline]
            fn view_mut(lanes: &mut [#core::Lane]) -> #lanes_mut<'_> {
                let [#(#names),*] = lanes else { ::core::panic!(#shape) };
                #lanes_mut { #(#names: #names.values_mut()),* }
            }

            #[inline]
            fn split_at(#all: Self::Lanes<'_>, #at: usize) -> (Self::Lanes<'_>, Self::Lanes<'_>) {
                #(let #names = #all.#names.split_at(#at);)*
                (#lanes { #(#names: #names.0),* }, #lanes { #(#names: #names.1),* })
            }

            #[inline]
            fn split_at_mut(
                #all: Self::LanesMut<'_>,
                #at: usize,
            ) -> (Self::LanesMut<'_>, Self::LanesMut<'_>) {
                #(let #names = #all.#names.split_at_mut(#at);)*
                (#lanes_mut { #(#names: #names.0),* }, #lanes_mut { #(#names: #names.1),* })
            }

            #[inline]
            fn get(lanes: &#lanes<'_>, row: usize) -> Self {
                Self { #(#names: lanes.#names[row]),* }
            }

            #[inline]
            fn set(lanes: &mut #lanes_mut<'_>, row: usize, value: Self) {
                #(lanes.#names[row] = value.#names;)*
            }
        }
    }
}

/// The fields and what they say of themselves.
fn fields_of(input: &DeriveInput) -> Result<Vec<Field<'_>>> {
    let refused = || Error::new_spanned(&input.ident, "a component is a struct with named fields");
    let Data::Struct(data) = &input.data else {
        return Err(refused());
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(refused());
    };
    if fields.named.is_empty() {
        return Err(refused());
    }
    let mut described = Vec::new();
    for field in &fields.named {
        described.push(Field {
            ident: field.ident.as_ref().ok_or_else(refused)?,
            ty: &field.ty,
            wire: Wire::new(&field.attrs)?,
        });
    }
    Ok(described)
}
