# The dashboard as a server. How to run it behind a proxy stands in README.md, under Hosting.
FROM python:3.12-slim

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 STOCKCAST_HOME=/data
WORKDIR /app

COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt

COPY app.py .
COPY .streamlit/config.toml .streamlit/
COPY data data
COPY pages pages
COPY planning planning

# What is kept lies in a volume; the program itself cannot be written by who runs it.
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin stockcast && install -d -o stockcast -g stockcast -m 0700 /data
VOLUME /data
USER 10001

EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
CMD ["python", "-m", "streamlit", "run", "app.py", "--server.address=0.0.0.0", "--server.port=8501", "--server.headless=true", "--server.fileWatcherType=none"]
