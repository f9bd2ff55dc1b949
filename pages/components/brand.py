"""The mark: stock falling to its reorder point and filled up again. Drawn here, so that nothing is fetched."""

_PETROL = "#1F8A94"
_STEPS = "M5 9 L12 21 L12 11 L19 23 L19 9 L27 22"

MARK = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" width="32" height="32"><rect width="32" height="32" '
    f'rx="7" fill="#0B6770"/><path d="{_STEPS}" fill="none" stroke="#FFFFFF" stroke-width="2.6" '
    'stroke-linejoin="round" stroke-linecap="round"/></svg>'
)
"""The square mark, for the browser tab and the folded sidebar."""

LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 150 32" width="150" height="32"><rect width="32" '
    f'height="32" rx="7" fill="#0B6770"/><path d="{_STEPS}" fill="none" stroke="#FFFFFF" stroke-width="2.6" '
    'stroke-linejoin="round" stroke-linecap="round"/><text x="42" y="23" font-family="system-ui, Segoe UI, Roboto, '
    f'Arial, sans-serif" font-size="20" font-weight="650" letter-spacing="-0.3" fill="{_PETROL}">Stockcast</text></svg>'
)
"""Mark and name, readable on light and on dark."""

STYLE = (
    '<style>[data-testid="stTab"][aria-selected="true"], button[role="radio"][aria-checked="true"], '
    '[data-testid="stSliderThumbValue"] { color: light-dark(#0B6770, #72C6CC) !important; }</style>'
)
"""What is chosen, where it stands as text: the theme's one colour is dark enough to write on, too dark to read."""
