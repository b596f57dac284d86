use proptest::prelude::*;

use super::*;

const SIZES: [u32; 7] = [16, 22, 24, 32, 44, 48, 64];
const GROUNDS: [Ground; 3] = [Ground::Dark, Ground::Light, Ground::Unknown];
const STATES: [State; 6] =
    [State::Calm, State::Near, State::Over, State::Stale, State::Error, State::Paused];

fn input(text: &str, state: State, share_permille: Option<i128>) -> IconInput {
    IconInput {
        text: text.into(),
        state,
        share_permille,
        ground: Ground::Dark,
        size_px: 22,
        demo: false,
    }
}

/// One letter a pixel: `#` and `+` digits by opacity, `A` amber, `R` red, `:` faint, ` ` nothing.
fn art(pixels: &Pixels) -> String {
    let letter = |pixel: &[u8]| match (pixel[0], pixel[1], pixel[2], pixel[3]) {
        (_, _, _, 0..40) => ' ',
        (200.., 100..200, 0..80, _) => 'A',
        (200.., 0..120, 0..120, _) => 'R',
        (_, _, _, 40..100) => ':',
        (_, _, _, 100..170) => '+',
        _ => '#',
    };
    pixels
        .rgba
        .chunks(pixels.width as usize * 4)
        .map(|row| row.chunks(4).map(letter).collect::<String>().trim_end().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn calm_is_digits_and_a_plain_bar() {
    insta::assert_snapshot!(art(&draw(&input("$214", State::Calm, Some(428)))), @r"
          #
         :#+   ###   :#    ##:
        :###+ +###+ ###   +##:
        +#:## ## ## ###   ###:
        ## ++ +: ##  +#  :###:
        +#+      #+  +#  ####:
         ###    +#:  +# :#:##:
          +##   #+   +# ##:##:
        ++ ##  ##    +# ######
        ## ## :#+    +# +++###
        +###+ #####  +#    ##:
         :#+  #####  +#    ##:
          #




        #########:::::::::::::
        #########:::::::::::::
        #########:::::::::::::
        ");
}

#[test]
fn over_is_a_full_bar_with_a_notch() {
    insta::assert_snapshot!(art(&draw(&input("20k", State::Over, Some(1040)))), @r"
           :            ##
         :###:   :###:  ##
         #####   #####  ##
        +##+##+ +##+##+ ##
        ##+ ##+ ##+ +## ##
        ##: +## ##+ +## ## +#+
            +#+ ##: :## ## ##:
            ##+ ##: :## ##+##
           :##  ##: :## ####:
           ##+  ##: :## ####
          :##   ##: :## ####
          ##+   ##: :## ####:
         +##    ##+ +## ####+
         ##+    ##+ +## ##:##
        +##++++ +##+##+ ## ##:
        #######  #####  ## +#+
        #######  :###:  ## :##


        RRRRRRRRRRRRRRRR  RRRR
        RRRRRRRRRRRRRRRR  RRRR
        RRRRRRRRRRRRRRRR  RRRR
        ");
}

#[test]
fn near_fills_the_bar_in_amber() {
    insta::assert_snapshot!(art(&draw(&input("1.9k", State::Near, Some(870)))), @r"
                       ##:
          :#     +##+  ##:
        :###    :####: ##:
        ####    +#++#+ ##:
        #+##    ##: ## ##: ++:
          ##    ##  ## ##::##:
          ##    ##  ## ##:##+
          ##    ##: ## ##+##
          ##    +##### ####+
          ##     ##### ####+
          ##      +:## #####
          ##       +#+ ##+##+
          ## ++  :+##  ##:+##
          ## ##  ###+  ##::##:
          ## ##  ##+   ##: ###



        AAAAAAAAAAAAAAAAAAA:::
        AAAAAAAAAAAAAAAAAAA:::
        AAAAAAAAAAAAAAAAAAA:::
        ");
}

#[test]
fn error_is_a_dot_and_paused_two_strokes() {
    insta::assert_snapshot!(art(&draw(&input("–", State::Error, None))), @r"
                    RRR
                   RRRRR
                   RRRRR
                   RRRRR
                    RRR








        ##########
        ##########
        ++++++++++
        ");
    insta::assert_snapshot!(art(&draw(&input("$12", State::Paused, Some(428)))), @r"
           +:      :+   ++++:
           +:    :+++  ++++++
         +++++  +++++ :++ :++:
        :++:++: +:+++ +++  ++:
        :++ :++   :++ ::   ++:
        :++       :++      ++:
         +++:     :++     +++
          :+++    :++    :++:
            +++   :++    ++:
        ++: :++   :++   +++
        +++ +++   :++  :++:
         +++++    :++ :+++
          :+:     :++ ++++++++
           +      :++ ++++++++

               ###  ###
               ###  ###
               ###  ###
               ###  ###
               ###  ###
               ###  ###
               ###  ###
        ");
}

#[test]
fn every_state_looks_like_no_other_on_every_ground_and_size() {
    for ground in GROUNDS {
        for size_px in SIZES {
            let pictures: Vec<_> = STATES
                .iter()
                .map(|&state| {
                    draw(&IconInput { ground, size_px, ..input("$214", state, Some(870)) })
                })
                .collect();
            for (index, one) in pictures.iter().enumerate() {
                assert_eq!(one.rgba.len(), (size_px * size_px * 4) as usize);
                for other in &pictures[index + 1..] {
                    let differing = one.rgba.chunks(4).zip(other.rgba.chunks(4));
                    let count = differing.filter(|(a, b)| a != b).count();
                    assert!(count >= 12, "{ground:?} {size_px}: only {count} pixels differ");
                }
            }
        }
    }
}

#[test]
fn the_usual_amounts_are_at_least_nine_pixels_tall_at_22() {
    let whole = Area { left: 0, top: 0, right: 22, bottom: 18 };
    for text in ["$0", "42¢", "$12", "$214", "$888", "1.9k", "20k", "131k", "888k", "1.3M"] {
        let height = figure::digit_height(text, whole);
        assert!(height >= 9, "{text}: {height}");
    }
}

#[test]
fn every_character_an_amount_can_have_is_in_the_font() {
    let whole = Area { left: 0, top: 0, right: 64, bottom: 64 };
    for text in "$0123456789.kMBT¢–-≈€£".chars() {
        assert!(figure::digit_height(&text.to_string(), whole) > 0, "{text:?}");
    }
}

/// WCAG relative luminance contrast, in tenths.
fn contrast_tenths(one: Rgb, other: Rgb) -> u32 {
    let luminance = |colour: Rgb| {
        let linear = |channel: u8| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(colour[0]) + 0.7152 * linear(colour[1]) + 0.0722 * linear(colour[2])
    };
    let (a, b) = (luminance(one), luminance(other));
    ((a.max(b) + 0.05) / (a.min(b) + 0.05) * 10.0) as u32
}

#[test]
fn colours_stand_out_on_their_ground() {
    let grounds = [(Ground::Dark, [43, 48, 59]), (Ground::Light, [238, 238, 238])];
    for (ground, panel) in grounds {
        let palette = Palette::of(ground);
        assert!(contrast_tenths(palette.digits, panel) >= 70, "{ground:?} digits");
        assert!(contrast_tenths(palette.amber, panel) >= 30, "{ground:?} amber");
        assert!(contrast_tenths(palette.red, panel) >= 30, "{ground:?} red");
    }
    let unknown = Palette::of(Ground::Unknown);
    assert!(contrast_tenths(unknown.digits, unknown.outline) >= 70);
}

#[test]
fn digits_are_drawn_at_full_strength() {
    for ground in GROUNDS {
        let icon = draw(&IconInput { ground, ..input("$214", State::Calm, None) });
        let solid = icon.rgba.chunks(4).filter(|pixel| pixel[3] > 230).count();
        assert!(solid >= 40, "{ground:?}: {solid}");
    }
}

#[test]
fn the_pretend_world_says_so() {
    let plain = input("$214", State::Calm, Some(428));
    assert_ne!(draw(&plain), draw(&IconInput { demo: true, ..plain.clone() }));
}

#[test]
fn halving_the_large_picture_keeps_edges_where_the_small_one_has_them() {
    let small = draw(&input("$214", State::Calm, Some(428)));
    let large = draw(&IconInput { size_px: 44, ..input("$214", State::Calm, Some(428)) });
    for y in 0..22_usize {
        for x in 0..22_usize {
            let alpha = |x: usize, y: usize| u32::from(large.rgba[(y * 44 + x) * 4 + 3]);
            let (left, top) = (x * 2, y * 2);
            let mean = (alpha(left, top)
                + alpha(left + 1, top)
                + alpha(left, top + 1)
                + alpha(left + 1, top + 1))
                / 4;
            let own = u32::from(small.rgba[(y * 22 + x) * 4 + 3]);
            assert!(mean.abs_diff(own) <= 24, "({x}, {y}): {mean} and {own}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn no_text_size_or_share_makes_it_panic(
        text in "[$0-9.kM¢–€ x-]{0,12}",
        size_px in 0_u32..70,
        share in proptest::option::of(-2000_i128..1_000_000),
        state in proptest::sample::select(STATES.to_vec()),
        ground in proptest::sample::select(GROUNDS.to_vec()),
        demo in any::<bool>(),
    ) {
        let icon = draw(&IconInput { text, state, share_permille: share, ground, size_px, demo });
        prop_assert_eq!(icon.rgba.len(), (icon.width * icon.height * 4) as usize);
    }
}

/// Writes contact sheets into the folder that `SPENDBAR_ICON_SHEETS` names, to be looked at: every
/// state (rows) and length of amount (columns), on dark, light and middle grey.
#[test]
fn contact_sheets_for_the_eye() {
    let Some(folder) = std::env::var_os("SPENDBAR_ICON_SHEETS") else { return };
    let grounds = [
        (Ground::Dark, [43, 48, 59]),
        (Ground::Light, [238, 238, 238]),
        (Ground::Unknown, [43, 48, 59]),
        (Ground::Unknown, [238, 238, 238]),
        (Ground::Unknown, [128, 128, 128]),
    ];
    let texts = ["$0", "42¢", "$12", "$214", "$888", "1.9k", "20k", "131k", "1.3M", "–", "-$12"];
    let rows: [(State, Option<i128>, bool); 10] = [
        (State::Calm, None, false),
        (State::Calm, Some(428), false),
        (State::Near, Some(870), false),
        (State::Over, Some(1270), false),
        (State::Stale, Some(428), false),
        (State::Error, None, false),
        (State::Error, Some(428), false),
        (State::Paused, Some(428), false),
        (State::Calm, Some(428), true),
        (State::Error, Some(428), true),
    ];
    for size_px in SIZES {
        let cell = (size_px + 6) as usize;
        let (width, height) = (cell * texts.len(), cell * rows.len() * grounds.len());
        let mut sheet = Vec::with_capacity(width * height * 3);
        for (ground, panel) in grounds {
            for (state, share, demo) in rows {
                let icons = texts.map(|text| {
                    draw(&IconInput { ground, size_px, demo, ..input(text, state, share) })
                });
                for y in 0..cell {
                    for icon in &icons {
                        (0..cell).for_each(|x| sheet.extend(over_panel(icon, x, y, panel)));
                    }
                }
            }
        }
        let path = std::path::Path::new(&folder).join(format!("icons-{size_px}.png"));
        let file = std::fs::File::create(path).expect("a folder one can write to");
        let mut encoder = png::Encoder::new(file, width as u32, height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.write_header().expect("header").write_image_data(&sheet).expect("data");
    }
}

/// One pixel of a cell that has three pixels of panel around the icon.
fn over_panel(icon: &Pixels, x: usize, y: usize, panel: Rgb) -> Rgb {
    let side = icon.width as usize;
    let (Some(x), Some(y)) = (x.checked_sub(3), y.checked_sub(3)) else { return panel };
    if x >= side || y >= side {
        return panel;
    }
    let pixel = &icon.rgba[(y * side + x) * 4..][..4];
    let alpha = u32::from(pixel[3]);
    [0, 1, 2].map(|channel| {
        ((u32::from(pixel[channel]) * alpha + u32::from(panel[channel]) * (255 - alpha)) / 255)
            as u8
    })
}
